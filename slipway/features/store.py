"""What a feature store is: keys, rows, writes, and the interface that the in-memory and the DynamoDB store share."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from slipway.config import FeatureValue
from slipway.errors import LateEventError, SlipwayError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class FeatureKey(NamedTuple):
    """One row of the store: e.g. group ``tumour-mean`` of the ``patient`` ``p001``."""

    entity: str
    id: str
    group: str

    def __str__(self) -> str:
        return f"{self.group} of {self.entity} {self.id}"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """What is stored under a key; ``event_time`` has a zone and whole milliseconds."""

    values: Mapping[str, FeatureValue]
    event_time: datetime


@dataclass(frozen=True, slots=True)
class FeatureWrite:
    """A row to store: it replaces the whole row that is there, if that is not newer."""

    key: FeatureKey
    values: Mapping[str, FeatureValue]
    event_time: datetime


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one write; ``error`` is the reason of a refusal."""

    write: FeatureWrite
    error: SlipwayError | None = None

    @property
    def stored(self) -> bool:
        return self.error is None


class FeatureStore(Protocol):
    """The online store."""

    def read(self, keys: Iterable[FeatureKey]) -> dict[FeatureKey, FeatureRow]:
        """The rows under ``keys``; a key that is missing in the answer has no row, or an expired one.

        Any number of keys; each is read once however often it is named. Up to 100 distinct keys are one round trip.

        Raises:
            InputError: a key is malformed or of the wrong entity; nothing was read.
            NotFoundError: a key names a group that slipway.yaml does not define.
            UnavailableError: some key could not be read.
        """
        ...

    def write(self, writes: Iterable[FeatureWrite]) -> Iterator[WriteResult]:
        """Store each write; results come in the order of the writes, as they are known.

        Nothing happens until the iterator is consumed, and ``writes`` is consumed with it, so both may be of any
        size. A refused write does not stop the others. Its ``error`` is a `LateEventError` (a newer event is stored),
        an `InputError` or `TooLargeError` (named ``group.feature``) or a `NotFoundError` (no such group).

        Raises:
            UnavailableError: a write could not be made. Results already given stand; sending all again is safe.
        """
        ...


def late(key: FeatureKey, event_time: datetime, stored: datetime | None) -> LateEventError:
    """The refusal of a write that is older than what is stored."""
    newer = "a newer event" if stored is None else f"the event of {stored.isoformat()}"
    return LateEventError(f"{key}: the event of {event_time.isoformat()} is older than {newer} that is stored")


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down; ``moment`` has a zone."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)
