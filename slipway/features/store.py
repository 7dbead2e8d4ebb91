"""The feature store's interface: keys, rows, writes, and the protocol of every implementation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from slipway.config import FeatureValue
from slipway.errors import LateEventError, SlipwayError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_SECONDS = 100_000_000  # March 1973; dates written as numbers, such as 20260301, are below it
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class FeatureKey(NamedTuple):
    """The key of one row, e.g. group ``tumour-mean`` of the ``patient`` ``p001``."""

    entity: str
    id: str
    group: str

    def __str__(self) -> str:
        return f"{self.group} of {self.entity} {self.id}"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """The row stored under a key; ``event_time`` has a time zone and whole milliseconds."""

    values: Mapping[str, FeatureValue]
    event_time: datetime


@dataclass(frozen=True, slots=True)
class FeatureWrite:
    """A row to store; it replaces the whole stored row unless that is newer."""

    key: FeatureKey
    values: Mapping[str, FeatureValue]
    event_time: datetime


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of one write; ``error`` is the reason if it was refused."""

    write: FeatureWrite
    error: SlipwayError | None = None

    @property
    def stored(self) -> bool:
        return self.error is None


class FeatureStore(Protocol):
    """The online store."""

    def read(self, keys: Iterable[FeatureKey]) -> dict[FeatureKey, FeatureRow]:
        """The rows under ``keys``; a key without a row, or with an expired one, is absent from the result.

        ``keys`` may be of any number; duplicates are read once. Up to 100 distinct keys take one round trip.

        Raises:
            InputError: a key is malformed or of the wrong entity; nothing was read.
            NotFoundError: a key names a group that slipway.yaml does not define.
            UnavailableError: some key could not be read.
        """
        ...

    def write(self, writes: Iterable[FeatureWrite]) -> Iterator[WriteResult]:
        """Store each write and yield the results in the order of the writes.

        Nothing is written until the iterator is consumed, and ``writes`` is consumed along with it, so both may be of
        any size. A refused write does not stop the others. Its ``error`` is a `LateEventError` (a newer event is
        stored), an `InputError` or `TooLargeError` (named ``group.feature``) or a `NotFoundError` (no such group).

        Raises:
            UnavailableError: a write failed. Results already yielded stand; sending all writes again is safe.
        """
        ...


def late(key: FeatureKey, event_time: datetime, stored: datetime | None) -> LateEventError:
    """The error for a write that is older than the stored row."""
    newer = "the stored one" if stored is None else f"the stored event of {stored.isoformat()}"
    return LateEventError(f"{key}: the event of {event_time.isoformat()} is older than {newer}")


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down; ``moment`` has a time zone."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)
