"""Labels: which one a value of a file means, by one rule, and those that deployed versions predict."""

import logging
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from slipway.config import Config
from slipway.errors import PackageError
from slipway.models.package import MANIFEST, read_manifest

_LOG = logging.getLogger(__name__)
_BOOLEANS = ("true", "false")


def find_label(value: object, labels: Sequence[str], *, by_number: bool = False) -> str | None:
    """The label that a value of a file means, or None.

    A boolean may be written in any case, and a number as any equal number. With ``by_number``, an integer is a position
    among labels that are not numbers themselves, as Hugging Face's data sets have them.
    """
    text = str(value)
    if text in labels:
        return text
    if text.lower() in _BOOLEANS:
        return _only(label for label in labels if label.lower() == text.lower())
    number = _number(text)
    if number is None:
        return None
    if by_number and number.is_integer() and not any(_number(label) is not None for label in labels):
        return labels[int(number)] if 0 <= number < len(labels) else None
    return _only(label for label in labels if _number(label) == number)


def _only(found: Iterable[str]) -> str | None:
    matches = list(found)
    return matches[0] if len(matches) == 1 else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def bundled_labels(config: Config, root: Path) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return the labels of each deployed version that has some, by name and version.

    Left out are versions whose manifest is not below ``root``, because they come from the registry, or cannot be read.
    """
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for name, model in config.models.items():
        for version in model.versions:
            file = config.model_folder(root, name) / str(version) / MANIFEST
            if file.is_file() and (labels := _labels(file)):
                found[name, version] = labels
    return found


def _labels(file: Path) -> tuple[str, ...] | None:
    try:
        return read_manifest(file).outputs.labels
    except PackageError as error:
        _LOG.warning("labels of feedback are not checked: %s", error)
        return None
