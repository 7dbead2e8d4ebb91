"""Tells what has happened since the last look: alarms, steps of runs, and steps of releases, a line each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from slipway.cli.local.loop.months import Ledger, Month
from slipway.cli.local.loop.project import FIRST, MODEL
from slipway.cli.local.loop.world import World
from slipway.monitoring.drift.findings import ColumnDrift
from slipway.releases.record.phases import Phase as ReleasePhase
from slipway.training.account.progress import Phase, Progress
from slipway.wording import counted

_Entry = TypeVar("_Entry")
_SHOWN = 3
_MARKED_RUNS = {Phase.REFUSED, Phase.FAILED}
# The next entry says the same.
_PASSED_OVER = {Phase.ASSEMBLING.sentence, Phase.REGISTERING.sentence, "The gates refused it."}
_MARKED_RELEASES = {ReleasePhase.PROMOTED, ReleasePhase.ROLLED_BACK}


@dataclass
class News:
    """Looks at the world, says what is new, and marks it in the ledger."""

    world: World
    ledger: Ledger
    say: Callable[[str], None]
    _drifted: set[tuple[int, str]] = field(default_factory=set)
    _inaccurate: set[int] = field(default_factory=set)
    _steps: dict[str, int] = field(default_factory=dict)

    @property
    def inaccurate(self) -> frozenset[int]:
        """The versions whose accuracy has fallen."""
        return frozenset(self._inaccurate)

    def look(self) -> None:
        """Say what is new."""
        for version in self._versions():
            self._drift(version)
            self._accuracy(version)
        for run in self.world.runs():
            self._run(run)
        self._release()

    def month(self, month: Month) -> None:
        """Say what a month came to, and what the monitor knows of the accuracy of the version that answered most."""
        version = month.by_version.most_common(1)[0][0]
        known = self.world.accuracy(version).summary
        said = [f"{month.name}: {counted(month.flights, 'flight')}, {100 * month.accuracy:.1f} % right"]
        if known.estimated is not None:
            said.append(f"estimated {100 * known.estimated.value:.1f} % before labels")
        if known.labelled is not None:
            said.append(f"{100 * known.labelled.value:.1f} % by {counted(known.labelled.labels, 'label')}")
        self.say(f"{said[0]}; version {version} so far: {', '.join(said[1:])}" if said[1:] else said[0])

    def _versions(self) -> list[int]:
        release = self.world.release()
        return [FIRST] if release is None else sorted({FIRST, *release.candidates})

    def _drift(self, version: int) -> None:
        found = self.world.drifted(version)
        new = [each for name, each in found.items() if (version, name) not in self._drifted]
        if not new:
            return
        if not any(known == version for known, _ in self._drifted):
            self.ledger.mark(f"drift of {version}")
        self._drifted |= {(version, each.column) for each in new}
        self.say(f"Alarm: {MODEL} {version} has drifted: {_columns(new)}")

    def _accuracy(self, version: int) -> None:
        if version in self._inaccurate or not self.world.is_inaccurate(version):
            return
        self._inaccurate.add(version)
        self.ledger.mark(f"accuracy of {version}")
        known = self.world.accuracy(version).summary
        figures = [f"estimated {100 * known.estimated.value:.1f} %"] if known.estimated else []
        figures += [f"{100 * known.labelled.value:.1f} % by labels"] if known.labelled else []
        figures += [f"{100 * known.reference:.1f} % at sealing"] if known.reference else []
        self.say(f"Alarm: {MODEL} {version} is less accurate than it was: {', '.join(figures)}")

    def _run(self, run: Progress) -> None:
        for entry in self._unseen(run.run.id, run.history):
            if entry.what not in _PASSED_OVER:
                self.say(f"Run ({run.run.trigger.kind}): {entry.phase} – {entry.what}")
            if entry.phase in _MARKED_RUNS:
                self.ledger.mark(f"run {entry.phase}")
            if entry.phase.ended and run.gates:
                # The measured part of each sentence; what is allowed is in `slipway train status`.
                self.say(
                    f"Run ({run.run.trigger.kind}): gates – {'; '.join(each.partition(';')[0] for each in run.gates)}"
                )

    def _release(self) -> None:
        release = self.world.release()
        if release is None:
            return
        for entry in self._unseen(release.id, release.history):
            evidence = f" ({'; '.join(_main(entry.evidence))})" if entry.evidence else ""
            self.say(f"Release of {release.candidates[0]}: {entry.phase} – {entry.what}{evidence}")
            if entry.phase is ReleasePhase.RUNNING and not any("canary" in each.what for each in self.ledger.marks):
                self.ledger.mark(f"canary of {release.candidates[0]}")
            if entry.phase in _MARKED_RELEASES:
                self.ledger.mark(f"{release.candidates[0]} {entry.phase}")

    def _unseen(self, name: str, entries: Sequence[_Entry]) -> Sequence[_Entry]:
        seen = self._steps.get(name, 0)
        self._steps[name] = len(entries)
        return entries[seen:]


def _main(evidence: Sequence[str]) -> list[str]:
    """The verdict, the errors and the accuracy: those of latencies and labels are in `slipway release history`."""
    return [each for at, each in enumerate(evidence) if at == 0 or each.startswith(("errors", "accuracy"))]


def _columns(columns: Sequence[ColumnDrift]) -> str:
    """The columns that have moved most, with their effect and the cell that moved most."""
    shown = [f"{each.column} ({each.effect:.2f}; {_moved(each)})" for each in columns[:_SHOWN]]
    rest = len(columns) - _SHOWN
    return ", ".join(shown) + (f" and {counted(rest, 'more column')}" if rest > 0 else "")


def _moved(column: ColumnDrift) -> str:
    cell, before, now = column.moved[0]
    return f"{cell}: {100 * before:.0f} to {100 * now:.0f} %"
