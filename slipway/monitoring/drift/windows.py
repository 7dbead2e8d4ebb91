"""Windows of time as people write them: `24h`, `7d`, `2w`, `90m`, or `2026-11-20/2026-11-21`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slipway.errors import InputError

_SPAN = re.compile(r"(\d+)\s*(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Window:
    """The periods that begin in [since, until)."""

    since: datetime
    until: datetime

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M} – {self.until:%Y-%m-%d %H:%M}"


def window_of(text: str, *, until: datetime, option: str) -> Window:
    """A window that lasts so long until a moment, or from one moment to another, in UTC unless they say otherwise.

    Raises:
        InputError: it is neither; the error names the option.
    """
    span = _SPAN.fullmatch(text.strip())
    if span is not None:
        length = timedelta(**{_UNITS[span[2]]: min(int(span[1]), 10**7)})
        if timedelta(0) < length <= _MOST:
            return Window(until - length, until)
    elif "/" in text:
        since, end = (_moment(part) for part in text.split("/", 1))
        if since is not None and end is not None and since < end:
            return Window(since, end)
    message = f"{text!r} must be a span like 24h, 7d or 90m, or two moments like 2026-11-20T06:00/2026-11-21"
    raise InputError.of(option, message)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
