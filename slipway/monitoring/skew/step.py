"""The monitor's step `skew`: replays the features of a sample of each period's predictions against the history."""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from slipway.config import FeatureGroupConfig
from slipway.features.history.files import HistoryFiles
from slipway.features.history.lookup import Lookup, read_timelines
from slipway.features.history.timeline import Timeline
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.skew.fields import ServedGroup, grouped_inputs, served_groups
from slipway.monitoring.skew.replay import Difference, Replay, replay
from slipway.monitoring.steps import Event, Findings, Period, State
from slipway.monitoring.telemetry.metrics import SKEWED_FEATURES, SKEWED_ROWS

NAME = "skew"
SAMPLE = 200
"""The predictions of a period that are compared."""

_DAYS = timedelta(days=2)
_BYTES = 32 * 1024 * 1024  # of compressed files of one group, the latest first
_NAMED = 10  # the differences that an event names

Timelines = Mapping[tuple[str, str], Timeline]
ReadTimelines = Callable[[str, Collection[str], datetime], Timelines]
"""Reads the timelines of a group's entities since a time; raises UnavailableError."""


def recent_timelines(files: HistoryFiles) -> ReadTimelines:
    """Read timelines of the last two days, at most 32 MB of a group: what a function has time for."""

    def read(group: str, ids: Collection[str], at: datetime) -> Timelines:
        return read_timelines(files, group, Lookup(ids, f"{at - _DAYS:%Y-%m-%d}", _BYTES, parquet=False))

    return read


class SkewStep:
    """A `Step` for all models; models without an input of a recorded group have nothing to compare."""

    name = NAME

    def __init__(self, groups: Mapping[str, FeatureGroupConfig], read: ReadTimelines) -> None:
        self._groups = groups
        self._recorded = frozenset(name for name, group in groups.items() if group.history is not None)
        self._read = read

    def after(self, state: State | None, period: Period) -> tuple[State, Findings]:
        """Count what differs in a period, and tell of features that did not differ in the one before."""
        manifest = period.package.manifest
        inputs = grouped_inputs(manifest, self._groups, self._recorded)
        if not inputs:
            return {}, Findings()
        served = list(served_groups(sampled(period.captures(), SAMPLE), {manifest.version: inputs}))
        found = replay(served, self._timelines(served, period.profile.start))
        if not found.rows:
            return state or {}, Findings()
        features = sorted(found.features)
        metrics = {SKEWED_ROWS: float(found.differing), SKEWED_FEATURES: float(len(features))}
        new = set(features) - set((state or {}).get("features", ()))
        events = (Event("skew", _detail(period, found)),) if new else ()
        return {"features": features}, Findings(metrics, events)

    def _timelines(self, served: Iterable[ServedGroup], at: datetime) -> Timelines:
        ids: dict[str, set[str]] = {}
        for row in served:
            ids.setdefault(row.group, set()).add(row.id)
        found: dict[tuple[str, str], Timeline] = {}
        for group, wanted in ids.items():
            found |= self._read(group, wanted, at)
        return found


def sampled(captures: Iterable[Capture], count: int) -> list[Capture]:
    """Up to ``count`` captures that named an entity, by a hash of their ids: the same ones each time."""
    about = (capture for capture in captures if capture.entities)
    return heapq.nsmallest(count, about, key=lambda capture: blake2b(capture.id.encode(), digest_size=8).digest())


def _detail(period: Period, found: Replay) -> dict[str, object]:
    profile = period.profile
    return {
        "model": profile.model,
        "version": profile.version,
        "start": profile.start.isoformat(),
        "minutes": profile.minutes,
        "rows": found.rows,
        "differing": found.differing,
        "features": dict(found.features.most_common()),
        "differences": [_named(each) for each in found.differences[:_NAMED]],
    }


def _named(each: Difference) -> dict[str, object]:
    """A difference without its values, which may be personal; `slipway monitor skew` shows them."""
    row = each.row
    return {"prediction": row.prediction, "time": row.time, "group": row.group, "feature": each.feature}
