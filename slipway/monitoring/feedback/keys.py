"""The keys that prediction ids are signed with, and the digest that proves that an API issued an id."""

import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slipway.errors import ConflictError
from slipway.monitoring.feedback.prediction_ids import DIGEST_DIGITS, PredictionId

VALID = 2
"""How many keys are valid at once: ids of the one before the newest are accepted until the next rotation."""

SETTLING = timedelta(seconds=10)
"""The age from which a key signs. Verifiers read keys again sooner than that, so they know each key that signs."""

MIN_AGE = timedelta(days=1)
"""The age of the newest key from which it may be rotated; by then, no process signs with the key before it."""

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A secret key, and when it was made."""

    secret: bytes
    made_at: datetime

    def __repr__(self) -> str:
        return f"Key(made_at={self.made_at.isoformat()})"

    def digest(self, prediction: PredictionId) -> str:
        """Return the truncated HMAC-SHA-256 of every other part of an id."""
        unsigned = str(prediction._replace(digest=""))
        return hmac.digest(self.secret, unsigned.encode(), "sha256").hex()[:DIGEST_DIGITS]


def new_key(now: datetime) -> Key:
    """Return a key from the kernel's randomness."""
    return Key(os.urandom(_KEY_BYTES), now)


@dataclass(frozen=True, slots=True)
class Keys:
    """The valid keys, newest first; at least one."""

    newest_first: tuple[Key, ...]

    def sign(self, prediction: PredictionId, now: datetime) -> PredictionId:
        """Return the id with its digest, by the newest key that every verifier knows."""
        return prediction._replace(digest=self._signing(now).digest(prediction))

    def derived(self, purpose: str, now: datetime) -> bytes:
        """Return the key of 32 bytes for another purpose than signing ids, until the next rotation."""
        return hmac.digest(self._signing(now).secret, f"slipway {purpose}".encode(), "sha256")

    def accepts(self, prediction: PredictionId) -> bool:
        """Whether one of the keys signed the id."""
        return any(hmac.compare_digest(key.digest(prediction), prediction.digest) for key in self.newest_first)

    def rotated(self, now: datetime, *, revoke: bool = False) -> "Keys":
        """Return the keys with a new one in front; ``revoke`` makes it the only one, and all issued ids invalid.

        Raises:
            ConflictError: the newest key is too young, so ids of the key to be dropped are still being issued.
        """
        if revoke:
            return Keys((new_key(now),))
        age = now - self.newest_first[0].made_at
        if age < MIN_AGE:
            hours = MIN_AGE.total_seconds() / 3600
            raise ConflictError(
                f"the newest key is {age.total_seconds() / 3600:.1f} hours old, and processes may still sign with the "
                f"one before it, which a rotation drops: rotate once it is {hours:.0f} hours old"
            )
        return Keys((new_key(now), *self.newest_first)[:VALID])

    def _signing(self, now: datetime) -> Key:
        settled = (key for key in self.newest_first if now - key.made_at >= SETTLING)
        return next(settled, self.newest_first[-1])


def to_text(keys: Keys) -> str:
    """Return keys as the text of the parameter: ``{hexadecimal key}@{time}``, separated by commas."""
    return ",".join(f"{key.secret.hex()}@{key.made_at.isoformat()}" for key in keys.newest_first)


def from_text(text: str) -> Keys:
    """Parse `to_text`; raises ValueError, which does not contain the text."""
    try:
        return Keys(tuple(_parsed(text)))
    except ValueError:
        raise ValueError("the parameter does not hold keys of prediction ids") from None


def _parsed(text: str) -> Iterator[Key]:
    for each in text.split(","):
        secret, _, time = each.partition("@")
        key = Key(bytes.fromhex(secret), datetime.fromisoformat(time).astimezone(UTC))
        if len(key.secret) != _KEY_BYTES:
            raise ValueError("wrong length")
        yield key
