"""Prediction ids contain model, version and time, so that feedback needs no lookup.

The id of a ranked item also contains the item's index in the request. If two versions made the ranking together, the
release's tag follows, so that a click counts for one of the two. A keyed digest of all of it stands behind the random
part (`slipway.monitoring.feedback.keys`), so that a caller cannot make an id up.

A prediction that a device made and sent later has the second of the device, and a digest of the device's random part
(`random_of_device`), so that sending it twice gives it the same id.

While a release is sticky, the last byte of the random part is the bucket of the record's sticky value, from 0 to 127.
Otherwise it is 128 or more.
"""

import os
import re
import time
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from slipway.errors import InputError

_TIME_DIGITS = 8
_RANDOM_BYTES = 8
_TAG_DIGITS = 8
_NO_BUCKET = 0x80
DIGEST_DIGITS = 20
"""80 bits of the digest, the least that RFC 2104 recommends for a truncated HMAC."""


def _pattern(digest: str) -> str:
    begin, end = r"^[a-z][a-z0-9-]{0,47}\.[1-9][0-9]{0,9}\.[0-9a-f]{24}", r"(\.(0|[1-9][0-9]{0,2})(\.[0-9a-f]{8})?)?$"
    return begin + digest + end


PREDICTION_ID_PATTERN = _pattern(f"-[0-9a-f]{{{DIGEST_DIGITS}}}")
"""The form of an id in an answer."""

STORED_ID_PATTERN = _pattern(f"(-[0-9a-f]{{{DIGEST_DIGITS}}})?")
"""The form of an id in a capture or a table, which may be from before ids had a digest."""

_FORM = re.compile(STORED_ID_PATTERN.removesuffix("$"))


class PredictionId(NamedTuple):
    """The parts of a prediction id.

    The items of one ranking share ``random`` and differ in ``item``. ``release`` is the tag of the release if two
    versions made the ranking. ``digest`` is empty until the id is signed.
    """

    model: str
    version: int
    random: str
    item: int | None = None
    release: str = ""
    digest: str = ""

    @property
    def made_at(self) -> datetime:
        """The time of the prediction, to the second."""
        return datetime.fromtimestamp(int(self.random[:_TIME_DIGITS], 16), UTC)

    @property
    def bucket(self) -> int | None:
        """The bucket of the sticky value, or None if the prediction had none."""
        return bucket_in(self.random)

    def __str__(self) -> str:
        text = f"{self.model}.{self.version}.{self.random}"
        text = f"{text}-{self.digest}" if self.digest else text
        if self.item is None:
            return text
        return f"{text}.{self.item}.{self.release}" if self.release else f"{text}.{self.item}"


def new_random() -> str:
    """Return the unique part of an id: the second, and 63 bits from the kernel, since snapshot clones share state."""
    drawn = os.urandom(_RANDOM_BYTES)
    return f"{int(time.time()):08x}{drawn[:-1].hex()}{drawn[-1] | _NO_BUCKET:02x}"


def random_of_device(random: str) -> str:
    """Return the unique part of the id that the API gives a prediction by the one that a device made.

    It keeps the device's second. The rest is a digest, so that no caller can choose another prediction's id.
    """
    digest = blake2b(f"slipway device {random}".encode(), digest_size=_RANDOM_BYTES).digest()
    return f"{random[:_TIME_DIGITS]}{digest[:-1].hex()}{digest[-1] | _NO_BUCKET:02x}"


def with_bucket(random: str, bucket: int) -> str:
    """Return the unique part of an id with a bucket, from 0 to 127, as its last byte."""
    return f"{random[:-2]}{bucket:02x}"


def bucket_in(random: str) -> int | None:
    """Return the bucket in the unique part of an id, or None if it has none."""
    last = int(random[-2:], 16)
    return None if last & _NO_BUCKET else last


def release_tag(release: str) -> str:
    """Return the digest of a release's name that prediction ids contain."""
    return blake2b(release.encode(), digest_size=_TAG_DIGITS // 2).hexdigest()


def parse_prediction_id(text: str) -> PredictionId:
    """Parse a prediction id.

    Raises:
        InputError: ``text`` is not of the form ``{model}.{version}.{24 hexadecimal digits}-{digest}``, optionally
            followed by ``.{item}`` and ``.{release tag}``.
    """
    if _FORM.fullmatch(text) is None:
        raise InputError.of("prediction_id", "must be an id that a prediction was answered with")
    model, version, unique, *rest = text.split(".")
    random, _, digest = unique.partition("-")
    item, release = int(rest[0]) if rest else None, rest[1] if len(rest) > 1 else ""
    return PredictionId(model, int(version), random, item, release, digest)
