"""What else a controller speaks to: who is told of releases, and the filters of log groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry


@dataclass
class Subscribers:
    """A `Notifier` that keeps what it is told."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None:
        self.told += [(record.id, entry.what) for entry in entries]


@dataclass
class MemoryFilters:
    """`LogFilters`: the function that is handed the lines of each log group."""

    functions: dict[str, str] = field(default_factory=dict)

    def function(self, group: str) -> str | None:
        return self.functions.get(group)

    def put(self, group: str, function: str) -> None:
        self.functions[group] = function

    def delete(self, group: str) -> None:
        self.functions.pop(group, None)
