"""Parse quantities with units: `100ms`, `1kB`."""

import re
from collections.abc import Mapping

from slipway.errors import InputError

_MILLISECONDS = {"ms": 1.0, "s": 1000.0}
_BYTES = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "KiB": 1024.0, "MiB": 1024.0**2}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


def milliseconds(text: str, *, option: str) -> float:
    """`100ms` or `0.1s` in milliseconds; raises InputError that names the option and the units."""
    return _quantity(text, _MILLISECONDS, option=option, example="100ms")


def byte_count(text: str, *, option: str) -> int:
    """`1kB`, `512B` or `2MB` in bytes; raises InputError that names the option and the units."""
    return round(_quantity(text, _BYTES, option=option, example="1kB"))


def _quantity(text: str, units: Mapping[str, float], *, option: str, example: str) -> float:
    found = _FORM.fullmatch(text.strip())
    if found is None or found[2] not in units or not float(found[1]) > 0:
        raise InputError.of(
            option, f"{text!r} must be a quantity above zero like {example}; units are {', '.join(units)}"
        )
    return float(found[1]) * units[found[2]]
