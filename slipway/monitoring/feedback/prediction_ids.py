"""Prediction ids: they carry model, version and time, so that feedback needs no lookup.

The id of an item of a ranking goes on with the item's place in the request. Where two versions made the ranking
together, the release follows, so that a click counts for one of the two.
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
PREDICTION_ID_PATTERN = r"^[a-z][a-z0-9-]{0,47}\.[1-9][0-9]{0,9}\.[0-9a-f]{24}(\.(0|[1-9][0-9]{0,2})(\.[0-9a-f]{8})?)?$"
_FORM = re.compile(PREDICTION_ID_PATTERN.removesuffix("$"))


class PredictionId(NamedTuple):
    """The parts of a prediction id.

    The items of one ranking share ``random``, and differ by ``item``. ``release`` is the tag of the release in which
    two versions made it.
    """

    model: str
    version: int
    random: str
    item: int | None = None
    release: str = ""

    @property
    def made_at(self) -> datetime:
        """When it was predicted, to the second."""
        return datetime.fromtimestamp(int(self.random[:_TIME_DIGITS], 16), UTC)

    def __str__(self) -> str:
        text = f"{self.model}.{self.version}.{self.random}"
        if self.item is None:
            return text
        return f"{text}.{self.item}.{self.release}" if self.release else f"{text}.{self.item}"


def new_random() -> str:
    """What makes an id unique: the second, and 64 bits from the kernel, as a process may be a clone of another."""
    return f"{int(time.time()):08x}{os.urandom(_RANDOM_BYTES).hex()}"


def release_tag(release: str) -> str:
    """A release's name as short as prediction ids carry it."""
    return blake2b(release.encode(), digest_size=_TAG_DIGITS // 2).hexdigest()


def parse_prediction_id(text: str) -> PredictionId:
    """Take an id apart.

    Raises:
        InputError: ``text`` is not of the form ``{model}.{version}.{24 hexadecimal digits}``, with the place of an item
            and the tag of a release behind it where there are such.
    """
    if _FORM.fullmatch(text) is None:
        raise InputError.of("prediction_id", "must be an id that a prediction was answered with")
    model, version, random, *rest = text.split(".")
    item, release = int(rest[0]) if rest else None, rest[1] if len(rest) > 1 else ""
    return PredictionId(model, int(version), random, item, release)
