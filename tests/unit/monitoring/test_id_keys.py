"""Keys of prediction ids: what signs, what verifies, and what a rotation does."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.errors import ConflictError, InputError, UnavailableError
from slipway.monitoring.feedback.key_ring import FRESH_SECONDS, IdSigner, IdVerifier
from slipway.monitoring.feedback.keys import MIN_AGE, SETTLING, Keys, from_text, new_key, to_text
from slipway.monitoring.feedback.prediction_ids import PredictionId, new_random, parse_prediction_id

START = datetime(2026, 11, 27, tzinfo=UTC)
ID = PredictionId("search", 2, new_random(), 3, "0123abcd")


class MemoryKeys:
    """Keys that the processes of a test share; counts the reads."""

    def __init__(self) -> None:
        self.keys: Keys | None = None
        self.reads = 0
        self.is_down = False

    def read(self) -> Keys | None:
        self.reads += 1
        if self.is_down:
            raise UnavailableError("Parameter Store", "down")
        return self.keys

    def create(self, keys: Keys) -> None:
        self.keys = self.keys or keys


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now.timestamp()

    def forward(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def signer(store: MemoryKeys, clock: Clock) -> IdSigner:
    signer = IdSigner(store, clock=clock)
    signer.load()
    return signer


@pytest.fixture
def verifier(store: MemoryKeys, clock: Clock) -> IdVerifier:
    return IdVerifier(store, clock=clock)


def accepts(verifier: IdVerifier, id_: str) -> bool:
    try:
        verifier.check(parse_prediction_id(id_))
    except InputError:
        return False
    return True


def test_what_one_process_signs_another_accepts(signer, verifier) -> None:
    signed = signer.sign(str(ID))
    assert parse_prediction_id(signed)._replace(digest="") == ID
    assert accepts(verifier, signed)
    assert signer.sign(signed) == signed


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"version": 3},
        {"random": "0" * 24},
        {"item": 4},
        {"item": None},
        {"release": ""},
        {"digest": ""},
    ],
)
def test_every_part_of_an_id_is_signed(signer, verifier, changes) -> None:
    signed = parse_prediction_id(signer.sign(str(ID)))
    assert not accepts(verifier, str(signed._replace(**changes)))


def test_two_signers_that_start_at_once_sign_with_one_key(store, clock) -> None:
    one, other = IdSigner(store, clock=clock), IdSigner(store, clock=clock)
    one.load()
    other.load()
    assert one.sign(str(ID)) == other.sign(str(ID))


def test_a_rotation_keeps_the_ids_of_the_key_before_it(store, signer, verifier, clock) -> None:
    first = signer.sign(str(ID))
    clock.forward(MIN_AGE)
    store.keys = store.keys.rotated(clock.now)
    assert signer.sign(str(ID)) == first
    clock.forward(timedelta(seconds=FRESH_SECONDS))
    assert signer.claim_refresh()
    assert not signer.claim_refresh()
    signer.refresh()
    second = signer.sign(str(ID))
    assert second != first
    assert accepts(verifier, first)
    assert accepts(verifier, second)
    clock.forward(MIN_AGE)
    store.keys = store.keys.rotated(clock.now)
    clock.forward(timedelta(seconds=FRESH_SECONDS))
    assert not accepts(verifier, first)
    assert accepts(verifier, second)


def test_a_verifier_that_does_not_know_a_key_yet_reads_it(store, signer, verifier, clock) -> None:
    assert accepts(verifier, signer.sign(str(ID)))
    clock.forward(MIN_AGE)
    store.keys = store.keys.rotated(clock.now)
    restarted = IdSigner(store, clock=clock)
    restarted.load()
    assert restarted.sign(str(ID)) == signer.sign(str(ID))  # a key that verifiers may not know yet does not sign
    clock.forward(SETTLING)
    assert restarted.sign(str(ID)) != signer.sign(str(ID))
    assert accepts(verifier, restarted.sign(str(ID)))


def test_made_up_ids_do_not_cause_a_read_each(store, signer, verifier, clock) -> None:
    accepts(verifier, signer.sign(str(ID)))
    clock.forward(SETTLING)
    before = store.reads
    assert not any(accepts(verifier, str(ID._replace(digest=f"{number:020x}"))) for number in range(100))
    assert store.reads == before + 1


def test_a_restored_snapshot_reads_the_keys_again(store, signer, verifier, clock) -> None:
    old = signer.sign(str(ID))
    assert accepts(verifier, old)
    store.keys = store.keys.rotated(clock.now, revoke=True)
    clock.forward(timedelta(days=90))
    assert not accepts(verifier, old)
    assert signer.claim_refresh()
    signer.refresh()
    assert accepts(verifier, signer.sign(str(ID)))


def test_predictions_go_on_without_the_keys_and_feedback_says_it_cannot_tell(store, verifier, clock) -> None:
    store.is_down = True
    signer = IdSigner(store, clock=clock)
    signer.refresh()
    made_up = signer.sign(str(ID))
    with pytest.raises(UnavailableError):
        verifier.check(parse_prediction_id(made_up))
    store.is_down = False
    with pytest.raises(UnavailableError, match="none yet"):
        verifier.check(parse_prediction_id(made_up))
    clock.forward(timedelta(minutes=2))
    assert signer.claim_refresh()
    signer.refresh()
    assert not accepts(verifier, made_up)
    assert accepts(verifier, signer.sign(str(ID)))


def test_known_keys_last_while_they_cannot_be_read(store, signer, verifier, clock) -> None:
    signed = signer.sign(str(ID))
    assert accepts(verifier, signed)
    store.is_down = True
    clock.forward(timedelta(days=1))
    signer.refresh()
    assert signer.sign(str(ID)) == signed
    assert accepts(verifier, signed)
    with pytest.raises(UnavailableError):
        verifier.check(ID._replace(digest="0" * 20))


def test_a_young_key_is_not_rotated_but_can_be_revoked() -> None:
    keys = Keys((new_key(START),))
    with pytest.raises(ConflictError, match="rotate once it is 24 hours old"):
        keys.rotated(START + MIN_AGE - timedelta(seconds=1))
    assert keys.rotated(START, revoke=True).newest_first[0] != keys.newest_first[0]


def test_keys_survive_their_text_and_show_nothing_of_it() -> None:
    keys = Keys((new_key(START), new_key(START - MIN_AGE)))
    assert from_text(to_text(keys)) == keys
    assert keys.newest_first[0].secret.hex() not in repr(keys)
    with pytest.raises(ValueError, match="does not hold keys") as error:
        from_text("secret")
    assert "secret" not in str(error.value)
