"""The behaviour suite of every feature store."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.errors import InputError, LateEventError, NotFoundError, TooLargeError
from slipway.features.store import FeatureKey, FeatureRow, FeatureStore, FeatureWrite, WriteResult

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROFILE = FeatureKey("user", "u1", "profile")
CLICKS = FeatureKey("user", "u1", "last-hour")


def put(store: FeatureStore, key: FeatureKey, values: dict[str, Any], at: datetime = NOON) -> WriteResult:
    (result,) = store.write([FeatureWrite(key, values, at)])
    return result


def test_a_row_is_read_as_it_was_written(store: FeatureStore) -> None:
    values = {"name": "Zoë 🚢", "visits": 3, "spend": 0.1, "member": True}
    assert put(store, PROFILE, values).stored
    assert store.read([PROFILE]) == {PROFILE: FeatureRow(values, NOON)}


def test_keys_without_a_row_are_absent(store: FeatureStore) -> None:
    put(store, PROFILE, {"visits": 3})
    assert set(store.read([CLICKS, PROFILE, PROFILE])) == {PROFILE}
    assert store.read([]) == {}


def test_a_write_replaces_the_whole_row(store: FeatureStore) -> None:
    put(store, PROFILE, {"visits": 3, "spend": 1.5})
    put(store, PROFILE, {"visits": 4}, NOON + timedelta(seconds=1))
    assert store.read([PROFILE])[PROFILE].values == {"visits": 4}


def test_null_leaves_a_feature_out(store: FeatureStore) -> None:
    put(store, PROFILE, {"visits": 3, "spend": 1.5})
    assert put(store, PROFILE, {"visits": 4, "spend": None}, NOON + timedelta(seconds=1)).stored
    assert store.read([PROFILE])[PROFILE].values == {"visits": 4}
    assert put(store, PROFILE, {"visits": None}, NOON + timedelta(seconds=2)).stored
    assert store.read([PROFILE])[PROFILE].values == {}


def test_an_older_event_is_refused_and_changes_nothing(store: FeatureStore) -> None:
    put(store, PROFILE, {"visits": 3})
    result = put(store, PROFILE, {"visits": 2}, NOON - timedelta(milliseconds=1))
    assert not result.stored
    assert isinstance(result.error, LateEventError)
    assert "profile of user u1" in str(result.error)
    assert "2026-11-21T12:00:00" in str(result.error)
    assert store.read([PROFILE])[PROFILE].values == {"visits": 3}


def test_the_same_event_again_is_stored_and_the_last_one_holds(store: FeatureStore) -> None:
    put(store, PROFILE, {"visits": 3})
    assert put(store, PROFILE, {"visits": 3}).stored
    assert put(store, PROFILE, {"visits": 30}).stored
    assert store.read([PROFILE])[PROFILE].values == {"visits": 30}


def test_event_times_are_compared_across_zones_and_kept_in_milliseconds(store: FeatureStore) -> None:
    local = datetime(2026, 11, 21, 13, 0, 0, 1999, tzinfo=timezone(timedelta(hours=1)))
    assert put(store, PROFILE, {"visits": 1}, local).stored
    assert store.read([PROFILE])[PROFILE].event_time == NOON + timedelta(milliseconds=1)
    assert not put(store, PROFILE, {"visits": 1}, NOON).stored


def test_a_row_expires_by_its_event_time(store: FeatureStore, clock: Any) -> None:
    put(store, CLICKS, {"clicks": 7}, NOON - timedelta(hours=23))
    assert CLICKS in store.read([CLICKS])
    clock.forward(minutes=59, seconds=59)
    assert CLICKS in store.read([CLICKS])
    clock.forward(seconds=1)
    assert store.read([CLICKS]) == {}


def test_a_group_without_time_to_live_stays(store: FeatureStore, clock: Any) -> None:
    put(store, PROFILE, {"visits": 1})
    clock.forward(days=10_000)
    assert PROFILE in store.read([PROFILE])


def test_a_write_that_is_expired_already_is_refused(store: FeatureStore) -> None:
    result = put(store, CLICKS, {"clicks": 7}, NOON - timedelta(days=1))
    assert "last-hour.event_time" in str(result.error)
    assert "ttl_days is 1" in str(result.error)


def test_an_event_may_be_ahead_of_the_clock_by_five_minutes(store: FeatureStore) -> None:
    assert put(store, PROFILE, {"visits": 1}, NOON + timedelta(minutes=5)).stored
    ahead = put(store, PROFILE, {"visits": 1}, NOON + timedelta(minutes=5, milliseconds=1))
    assert "profile.event_time" in str(ahead.error)
    assert "future" in str(ahead.error)


@pytest.mark.parametrize(
    "moment", [datetime(1969, 12, 31, 23, tzinfo=UTC), datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))]
)
def test_an_event_before_1970_is_refused(store: FeatureStore, moment: datetime) -> None:
    assert "profile.event_time" in str(put(store, PROFILE, {"visits": 1}, moment).error)
    assert store.read([PROFILE]) == {}


def test_refusals_do_not_stop_the_others_and_results_keep_their_order(store: FeatureStore) -> None:
    keys = [FeatureKey("user", f"u{number}", "profile") for number in range(250)]
    writes = [FeatureWrite(key, {"visits": "3" if n % 10 == 0 else n}, NOON) for n, key in enumerate(keys)]
    results = list(store.write(writes))
    assert [result.write for result in results] == writes
    assert [result.stored for result in results] == [n % 10 != 0 for n in range(250)]
    rows = store.read(keys)
    assert {key: row.values["visits"] for key, row in rows.items()} == {
        key: n for n, key in enumerate(keys) if n % 10 != 0
    }


def test_writes_of_one_row_happen_in_their_order(store: FeatureStore) -> None:
    values = list(range(40))
    results = list(store.write(FeatureWrite(PROFILE, {"visits": n}, NOON + timedelta(seconds=n)) for n in values))
    assert all(result.stored for result in results)
    assert all(result.stored for result in store.write(FeatureWrite(CLICKS, {"clicks": n}, NOON) for n in values))
    rows = store.read([PROFILE, CLICKS])
    assert (rows[PROFILE].values, rows[CLICKS].values) == ({"visits": 39}, {"clicks": 39})


def test_writes_are_taken_as_the_results_are(store: FeatureStore) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield FeatureWrite(FeatureKey("user", f"u{taken}", "profile"), {"visits": 1}, NOON)

    results = store.write(endless())
    assert taken == 0
    assert next(results).stored
    results.close()  # type: ignore[attr-defined]  # a generator
    assert taken < 300


@pytest.mark.parametrize(
    ("group", "values", "kind", "message"),
    [
        ("profile", {"visits": "3"}, InputError, "profile.visits: must be of type integer, not str"),
        ("profile", {"visits": 3.0}, InputError, "profile.visits: must be of type integer, not float"),
        ("profile", {"visits": True}, InputError, "profile.visits: must be of type integer, not bool"),
        ("profile", {"member": 1}, InputError, "profile.member: must be of type boolean, not int"),
        ("profile", {"nmae": None}, InputError, "profile.nmae: is not a feature of this group"),
        ("profile", {"spend": float("nan")}, InputError, "profile.spend: must be a finite number, not nan"),
        ("profile", {"spend": float("-inf")}, InputError, "profile.spend: must be a finite number, not -inf"),
        ("profile", {"visits": 2**63}, InputError, "profile.visits: must be an integer of at most 64 bits"),
        ("profile", {"name": "\ud800"}, InputError, "profile.name: must be valid Unicode"),
        ("profile", {"nmae": "x"}, InputError, "profile.nmae: is not a feature of this group, which has name, visits"),
        ("profile", {}, InputError, "profile: a write needs at least one feature"),
        (
            "proflie",
            {"name": "x"},
            NotFoundError,
            "no feature group 'proflie' (did you mean 'profile'?); there is profile, last-hour, stock",
        ),
        ("stock", {"price": 1.0}, InputError, "stock: belongs to the entity item, not to user"),
        ("profile", {"name": "é" * 205_000, "visits": 1}, TooLargeError, "profile.name: has 410002 of the row"),
    ],
)
def test_what_the_definitions_do_not_allow_is_refused_by_name(
    store: FeatureStore, group: str, values: dict[str, Any], kind: type[Exception], message: str
) -> None:
    result = put(store, FeatureKey("user", "u1", group), values)
    assert type(result.error) is kind
    assert str(result.error).startswith(message)


def test_every_problem_of_a_write_is_named(store: FeatureStore) -> None:
    error = put(store, PROFILE, {"visits": "3", "name": "x", "age": 1}).error
    assert isinstance(error, InputError)
    assert [problem.field for problem in error.problems] == ["profile.visits", "profile.age"]


def test_an_event_time_without_a_zone_is_refused(store: FeatureStore) -> None:
    result = put(store, PROFILE, {"visits": 1}, NOON.replace(tzinfo=None))
    assert "profile.event_time: needs a time zone" in str(result.error)


@pytest.mark.parametrize("id", ["", "x" * 257, "\ud800"])
def test_an_id_that_no_row_can_have_is_refused(store: FeatureStore, id: str) -> None:
    key = FeatureKey("user", id, "profile")
    with pytest.raises(InputError, match="user: the id must be 1 to 256 characters"):
        store.read([PROFILE, key])
    assert isinstance(put(store, key, {"visits": 1}).error, InputError)


def test_reading_an_unknown_group_or_another_entitys_is_an_error(store: FeatureStore) -> None:
    with pytest.raises(NotFoundError, match="no feature group 'nope'; there is profile"):
        store.read([FeatureKey("user", "u1", "nope")])
    with pytest.raises(InputError, match="stock: belongs to the entity item"):
        store.read([FeatureKey("user", "u1", "stock")])


def test_a_large_row_is_stored(store: FeatureStore) -> None:
    values = {"name": "x" * 404_000}  # moto takes 405,000 bytes, DynamoDB 409,600
    assert put(store, PROFILE, values).error is None
    assert store.read([PROFILE])[PROFILE].values == values


IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=256)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(codec="utf-8")),
        "visits": st.integers(-(2**63), 2**63 - 1),
        "spend": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        "member": st.booleans(),
    },
).filter(bool)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(id=IDS, values=VALUES)
def test_any_value_comes_back_as_it_was(store: FeatureStore, id: str, values: dict[str, Any]) -> None:
    key = FeatureKey("user", id, "profile")
    assert put(store, key, values).error is None
    read = store.read([key])[key].values
    assert read == values
    expected = {"name": str, "visits": int, "spend": float, "member": bool}
    assert {name: type(value) for name, value in read.items()} == {name: expected[name] for name in values}
