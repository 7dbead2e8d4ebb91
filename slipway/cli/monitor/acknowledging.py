"""Change what the columns of a version are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.cli.monitor.drift_source import MonitoredModel, check_columns
from slipway.errors import InputError
from slipway.monitoring.drift.references import References, acknowledge
from slipway.monitoring.drift.windows import Window, window_of
from slipway.monitoring.profiles.bins import bins_of


@dataclass(frozen=True, slots=True)
class Change:
    """What a command asks for: these columns, or those that have drifted, are normal as in the window.

    With ``baseline``, they are compared with the baseline again; without columns, all that were acknowledged.
    """

    model: MonitoredModel
    version: int
    window: Window
    columns: tuple[str, ...]
    baseline: bool

    @classmethod
    def of(
        cls,
        config: Path,
        model: str,
        version: int | None,
        *,
        window: str | None,
        columns: Sequence[str],
        baseline: bool,
        now: datetime,
    ) -> "Change":
        """Raise ConfigError, NotFoundError, or InputError for a window that cannot be read."""
        found = MonitoredModel.of(config, model)
        span = window_of(window or f"{found.settings.window_hours}h", until=now, option="--window")
        return cls(found, version or found.busiest(span), span, tuple(columns), baseline)


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed, and what is acknowledged now."""

    change: Change
    columns: tuple[str, ...]
    references: References

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        of, names = f"{self.change.model.name} {self.change.version}", ", ".join(self.columns)
        if self.change.baseline:
            return f"{of} compares with its baseline again: {names or 'nothing was acknowledged'}"
        return f"{of} takes {self.change.window} as normal for {names}. The evidence starts anew."

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        acknowledged = {
            name: {"start": each.start.isoformat(), "end": each.end.isoformat(), "records": each.records}
            for name, each in self.references.items()
        }
        return {
            "model": self.change.model.name,
            "version": self.change.version,
            "columns": list(self.columns),
            "acknowledged": acknowledged,
        }


def named(change: Change) -> Change:
    """The change with the names of its columns, where it has none.

    Raises:
        InputError: no column has drifted, or one that it names is not there.
        NotFoundError: there is no such version.
        UnavailableError: the bucket cannot be reached.
    """
    model, version = change.model, change.version
    if change.baseline:
        known = list(model.references.read(model.name, version))
    else:
        package = model.package(version)
        known = [each.column for each in bins_of(package.manifest, package.baseline)]
    columns = change.columns or (tuple(known) if change.baseline else _drifted(change))
    check_columns(list(columns), known, option="--columns")
    return replace(change, columns=columns)


def change_references(change: Change) -> Changed:
    """Store the change.

    Raises:
        InputError: no column has drifted, one is not there, or none has records in the window.
        NotFoundError: there is no such version, or no profile in the window.
        StaleError: somebody else has changed what is normal meanwhile.
        UnavailableError: the bucket cannot be reached.
    """
    meant = named(change)
    return _return_to_baseline(meant) if change.baseline else _acknowledge(meant)


def _acknowledge(change: Change) -> Changed:
    model, version, columns = change.model, change.version, change.columns
    package = model.package(version)
    bins = bins_of(package.manifest, package.baseline)
    made = acknowledge([each for each in bins if each.column in columns], model.profiles(version, change.window))
    without = [column for column in columns if column not in made]
    if without:
        raise InputError.of("--columns", f"{', '.join(without)}: nothing was counted in {change.window}")
    references = model.references.change(model.name, version, lambda known: {**known, **made})
    return Changed(change, columns, references)


def _return_to_baseline(change: Change) -> Changed:
    model, version, columns = change.model, change.version, change.columns
    if not columns:
        return Changed(change, (), model.references.read(model.name, version))
    references = model.references.change(
        model.name, version, lambda stored: {name: each for name, each in stored.items() if name not in columns}
    )
    return Changed(change, columns, references)


def _drifted(change: Change) -> tuple[str, ...]:
    state = change.model.state(change.version)
    found = [name for name, column in state.columns.items() if column.since] if state else []
    if not found:
        message = f"no column of {change.model.name} {change.version} has drifted: name those to acknowledge"
        raise InputError.of("--columns", message)
    return tuple(found)
