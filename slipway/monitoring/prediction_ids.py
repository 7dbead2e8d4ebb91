"""Prediction ids: they carry model and version, so that feedback needs no lookup."""

import re
import secrets
from typing import NamedTuple

from slipway.errors import InputError

_RANDOM_BYTES = 12
PREDICTION_ID_PATTERN = r"^[a-z][a-z0-9-]{0,47}\.[1-9][0-9]{0,9}\.[0-9a-f]{24}$"
_FORM = re.compile(PREDICTION_ID_PATTERN.removesuffix("$"))


class PredictionId(NamedTuple):
    """The parts of a prediction id."""

    model: str
    version: int
    random: str

    def __str__(self) -> str:
        return f"{self.model}.{self.version}.{self.random}"


def new_random() -> str:
    """The random part of an id: 96 bits from the kernel, as a process may be a clone of another."""
    return secrets.token_hex(_RANDOM_BYTES)


def parse_prediction_id(text: str) -> PredictionId:
    """Take an id apart.

    Raises:
        InputError: ``text`` is not of the form ``{model}.{version}.{24 hexadecimal digits}``.
    """
    if _FORM.fullmatch(text) is None:
        raise InputError.of("prediction_id", "must be an id that a prediction was answered with")
    model, version, random = text.split(".")
    return PredictionId(model, int(version), random)
