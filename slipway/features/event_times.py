"""Read the time of an event, as files and requests give it."""

import math
from datetime import UTC, date, datetime, timedelta

from slipway.config import FeatureType
from slipway.features.store import EARLIEST_SECONDS, EPOCH
from slipway.records.cells import read_cell
from slipway.records.rows import shown

_LATEST_SECONDS = 32_503_680_000  # the year 3000; milliseconds mistaken for seconds are beyond it
_FORMS = "2026-01-31T12:00:00Z"


def read_moment(value: object) -> datetime:
    """Parse seconds since 1970 or ISO 8601 with a time zone; raises ValueError that names the expected form."""
    number = read_cell(value, FeatureType.FLOAT) if isinstance(value, str) else value
    if isinstance(number, int | float) and not isinstance(number, bool):
        return _of_seconds(number, value)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if isinstance(value, date) and not isinstance(value, datetime):
        raise ValueError(f"{value} is a day and not a moment; write {_FORMS}")
    if not isinstance(moment, datetime):
        raise ValueError(f"{shown(value)} is neither ISO 8601 ({_FORMS}) nor seconds since 1970")
    if moment.tzinfo is None:
        raise ValueError(f"{value} needs a time zone, e.g. {_FORMS}")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value} is a time outside the years 1 to 9999") from None


def _of_seconds(seconds: float, given: object) -> datetime:
    if not (math.isfinite(seconds) and abs(seconds) <= _LATEST_SECONDS):
        raise ValueError(f"{shown(given)} is not a time in seconds since 1970")
    moment = EPOCH + timedelta(seconds=seconds)
    if 0 <= seconds < EARLIEST_SECONDS:
        raise ValueError(
            f"{shown(given)} would be {moment:%d %B %Y} in seconds since 1970, too old to be meant; write {_FORMS}"
        )
    return moment
