"""Prediction ids: they carry model, version and time, so that feedback needs no lookup."""

import re
import secrets
import time
from datetime import UTC, datetime
from typing import NamedTuple

from slipway.errors import InputError

_TIME_DIGITS = 8
_RANDOM_BYTES = 8
PREDICTION_ID_PATTERN = r"^[a-z][a-z0-9-]{0,47}\.[1-9][0-9]{0,9}\.[0-9a-f]{24}$"
_FORM = re.compile(PREDICTION_ID_PATTERN.removesuffix("$"))


class PredictionId(NamedTuple):
    """The parts of a prediction id."""

    model: str
    version: int
    random: str

    @property
    def made_at(self) -> datetime:
        """When it was predicted, to the second."""
        return datetime.fromtimestamp(int(self.random[:_TIME_DIGITS], 16), UTC)

    def __str__(self) -> str:
        return f"{self.model}.{self.version}.{self.random}"


def new_random() -> str:
    """What makes an id unique: the second, and 64 bits from the kernel, as a process may be a clone of another."""
    return f"{int(time.time()):08x}{secrets.token_hex(_RANDOM_BYTES)}"


def parse_prediction_id(text: str) -> PredictionId:
    """Take an id apart.

    Raises:
        InputError: ``text`` is not of the form ``{model}.{version}.{24 hexadecimal digits}``.
    """
    if _FORM.fullmatch(text) is None:
        raise InputError.of("prediction_id", "must be an id that a prediction was answered with")
    model, version, random = text.split(".")
    return PredictionId(model, int(version), random)
