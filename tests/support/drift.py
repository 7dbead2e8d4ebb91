"""Bins, profiles and periods of columns that tests make up, and the step `drift` over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from slipway.config.drift import DriftConfig
from slipway.monitoring.drift.references import Acknowledged, NothingAcknowledged
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.profiles.bins import MISSING, OTHER, Bins, Kind, bins_digest
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import Findings, Period

MODEL = "tiny"
START = datetime(2026, 1, 5, tzinfo=UTC)
Counts = Mapping[str, Sequence[int]]


def numbers(column: str = "inputs.age", cells: int = 10, *, missing: float = 0.0, count: int = 20_000) -> Bins:
    """A column of numbers in equal cells."""
    names = ("below", *(str(cell) for cell in range(cells)), "above", MISSING)
    share = (1 - missing) / cells
    return Bins(
        column,
        "numbers",
        names,
        tuple(float(edge) for edge in range(cells + 1)),
        (0.0, *[share] * cells, 0.0, missing),
        count,
    )


def categories(column: str, shares: Mapping[str, float], *, count: int = 20_000, kind: Kind = "categories") -> Bins:
    """A column of categories without other values."""
    return Bins(column, kind, (*shares, OTHER, MISSING), (), (*shares.values(), 0.0, 0.0), count)


@dataclass(frozen=True)
class _Baseline:
    records: int = 20_000


@dataclass(frozen=True)
class _Package:
    baseline: _Baseline = field(default_factory=_Baseline)


class Watching:
    """The step over one version, whose state goes through JSON as the monitor keeps it."""

    def __init__(
        self, bins: Sequence[Bins], config: DriftConfig | None = None, *, minutes: int = 60, seed: int = 0
    ) -> None:
        self.bins, self.minutes = tuple(bins), minutes
        self.references: dict[str, Acknowledged] = {}
        self.config = config or DriftConfig()
        self.state: dict[str, Any] | None = None
        self.at, self.rng = START, np.random.default_rng(seed)
        self.profiles: list[Profile] = []
        self.findings: list[tuple[datetime, Findings]] = []

    def read(self, model: str, version: int) -> Mapping[str, Acknowledged]:
        return self.references

    def take(self, counts: Counts | None) -> Findings:
        """One period with these counts; None is one without captures, which the step does not get."""
        profile = self._profile(counts or {})
        self.at = profile.end
        if counts is None:
            return Findings()
        self.profiles.append(profile)
        period = Period(_Package(), self.bins, profile, lambda: iter(()), lambda: (), profile.end)  # type: ignore[arg-type]
        step = DriftStep({MODEL: self.config}, self)
        self.state, findings = step.after(self.state, period)
        self.findings.append((profile.end, findings))
        return findings

    def draw(self, periods: int, records: int = 60, **shares: Sequence[float]) -> list[Findings]:
        """Periods of independent records, by the baseline's shares or those of the named columns.

        A column `inputs.age` is named `inputs_age`.
        """
        return [self.take(self._drawn(records, shares)) for _ in range(periods)]

    def drifted(self) -> set[str]:
        """The columns that have drifted now."""
        columns = (self.state or {"columns": {}})["columns"]
        return {name for name, column in columns.items() if column["since"]}

    def alarms(self) -> list[tuple[int, list[str]]]:
        """The period of each new alarm, from 1, and its columns."""
        length = timedelta(minutes=self.minutes)
        return [
            ((at - START) // length, [column["column"] for column in event.detail["columns"]])
            for at, findings in self.findings
            for event in findings.events
            if event.is_new
        ]

    def _drawn(self, records: int, shares: Mapping[str, Sequence[float]]) -> Counts:
        return {
            each.column: self.rng.multinomial(records, shares.get(each.column.replace(".", "_"), each.expected))
            for each in self.bins
        }

    def _profile(self, counts: Counts) -> Profile:
        records = max((int(sum(each)) for each in counts.values()), default=0)
        return Profile(
            MODEL,
            1,
            self.at,
            self.minutes,
            bins_digest(self.bins),
            records,
            {name: tuple(int(number) for number in each) for name, each in counts.items()},
        )


__all__ = ["MODEL", "START", "NothingAcknowledged", "Watching", "categories", "numbers"]
