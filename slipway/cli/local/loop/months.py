"""What each month of the loop came to: answers that were right, those of the loop and those of version 1."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from slipway.models.embedded import Model


@dataclass
class Month:
    """The flights of a month: how many the loop got right, how many version 1 does, and who answered."""

    number: int
    flights: int = 0
    right: int = 0
    right_first: int = 0
    by_version: Counter[int] = field(default_factory=Counter)
    poisoned: bool = False

    @property
    def name(self) -> str:
        """April, May, …"""
        return f"{date(2000, self.number, 1):%B}"

    @property
    def accuracy(self) -> float:
        """The share that the loop got right."""
        return self.right / self.flights

    @property
    def accuracy_first(self) -> float:
        """The share that version 1 gets right, never retrained, on the same flights."""
        return self.right_first / self.flights


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened in a month, at a part of it between 0 and 1."""

    month: float
    what: str


@dataclass
class Ledger:
    """The months so far, and what happened in them. ``at`` is the month of now, with the part of it that is over."""

    first: Model
    entities: Mapping[str, str]
    months: dict[int, Month] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    at: float = 0.0

    def mark(self, what: str) -> None:
        """Note what happened now."""
        self.marks.append(Mark(self.at, what))

    def count(self, month: Month, records: list[tuple[dict[str, Any], Any, dict[str, Any]]]) -> None:
        """Count records of a month, each with its true label and the prediction that was served."""
        if not records:
            return
        answers = self.first.predict([record for record, _, _ in records])
        for answer, (_, true, served) in zip(answers, records, strict=True):
            month.flights += 1
            month.right += served["label"] == true
            month.right_first += answer["label"] == true
            month.by_version[served["version"]] += 1

    def month(self, number: int) -> Month:
        """The month of this number."""
        return self.months.setdefault(number, Month(number))
