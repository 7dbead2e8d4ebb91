"""The monitor's step `drift`: bets on each closed unit, and says which columns have drifted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from slipway.config.drift import DriftConfig
from slipway.monitoring.drift.evidence import Evidence, Lines, start_weight
from slipway.monitoring.drift.findings import ColumnDrift, compare, drift_event, still_drifted
from slipway.monitoring.drift.questions import Questions, questions, reference_digest
from slipway.monitoring.drift.references import ReferenceReader, compared_with
from slipway.monitoring.drift.spans import Spans
from slipway.monitoring.drift.state import DriftState, Unit, dump_state, fresh, load_state
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.reminders import is_due
from slipway.monitoring.steps import Findings, Period, State
from slipway.monitoring.telemetry.metrics import DRIFTED_COLUMNS, LARGEST_DRIFT

NAME = "drift"
LEAST_RECORDS = 100
"""The records of a window below which its largest effect is chance, and is no metric."""


class DriftStep:
    """A `Step` for all models. It is pure but for what ``references`` reads."""

    name = NAME

    def __init__(self, settings: Mapping[str, DriftConfig], references: ReferenceReader) -> None:
        self._settings = settings
        self._references = references

    def after(self, state: State | None, period: Period) -> tuple[State, Findings]:
        """The state after a period, the metrics of its window, and an event if columns have newly drifted."""
        profile = period.profile
        asked = self._asked(period)
        spans = Spans.of(self._settings.get(profile.model, DriftConfig()), profile.minutes)
        stored = load_state(state)
        known = stored if stored.bins == profile.baseline else DriftState(bins=profile.baseline)
        before = with_columns(known, asked)
        after = take_period(before, profile, asked, spans)
        if after.window and not after.window[-1].closed:
            return dump_state(after), Findings()
        config = self._settings.get(profile.model, DriftConfig())
        after, columns = judged(after, asked, config, at=profile.end)
        after, findings = _told(before, after, columns, profile)
        return dump_state(after), findings

    def _asked(self, period: Period) -> Questions:
        profile = period.profile
        found = self._references.read(profile.model, profile.version)
        records = period.package.baseline.records
        config = self._settings.get(profile.model, DriftConfig())
        return questions(tuple(compared_with(bins, found, records=records) for bins in period.bins), config)


def _told(
    before: DriftState, after: DriftState, columns: Sequence[ColumnDrift], profile: Profile
) -> tuple[DriftState, Findings]:
    """The state with what is told now, and the metrics of its window beside the event."""
    drifted = [each for each in columns if after.columns[each.column].since]
    new = [each for each in drifted if not before.columns[each.column].since]
    metrics = {DRIFTED_COLUMNS: float(len(drifted))}
    known = [each.effect for each in columns if each.records >= LEAST_RECORDS]
    if known:
        metrics[LARGEST_DRIFT] = max(known)
    if not new and not (drifted and is_due(after.told, profile.end, minutes=profile.minutes)):
        return after, Findings(metrics)
    event = drift_event(profile, after, new=new or drifted, drifted=drifted, standing=not new)
    return replace(after, told=profile.end), Findings(metrics, (event,))


def with_columns(state: DriftState, asked: Questions) -> DriftState:
    """The state with exactly the columns that are asked about; of one with another reference, nothing is known."""
    columns = {}
    for bins in asked.bins:
        digest, known = reference_digest(bins), state.columns.get(bins.column)
        same = known is not None and known.reference == digest
        columns[bins.column] = known if known and same else fresh(asked.lines[bins.column], digest)
    return replace(state, columns=columns)


def take_period(state: DriftState, profile: Profile, asked: Questions, spans: Spans) -> DriftState:
    """The state with a period counted, and with each unit bet on that is complete."""
    start = spans.unit_of(profile.start)
    window = state.window
    if window and window[-1].start != start and not window[-1].closed:
        state = close_unit(state, asked, spans)
        window = state.window
    if window and window[-1].start == start:
        window = (*window[:-1], window[-1].plus(profile))
    else:
        window = (*window, Unit(start, profile.records, dict(profile.counts)))
    kept = tuple(unit for unit in window if unit.start + spans.unit > start + spans.unit - spans.window)
    state = replace(state, first=state.first or start, window=kept)
    complete = profile.end >= start + spans.unit and not kept[-1].closed
    return close_unit(state, asked, spans) if complete else state


def close_unit(state: DriftState, asked: Questions, spans: Spans) -> DriftState:
    """The state with its last unit bet on, and with the cycles closed that end before it or with it."""
    unit, first = state.window[-1], state.first or state.window[-1].start
    state = _close_cycle(state, (unit.start - first) // spans.cycle, asked, spans)
    number = (unit.start - first) // spans.unit + 1
    weight = start_weight(number, spans.units_per_year)
    columns = {
        name: replace(column, evidence=_bet(column.evidence, unit.counts.get(name), asked.lines[name], weight))
        for name, column in state.columns.items()
    }
    closed = replace(state, columns=columns, window=(*state.window[:-1], replace(unit, closed=True)))
    return _close_cycle(closed, (unit.start + spans.unit - first) // spans.cycle, asked, spans)


def _close_cycle(state: DriftState, cycle: int, asked: Questions, spans: Spans) -> DriftState:
    """The state in a cycle of this number; those before it are over."""
    if cycle <= state.cycle:
        return state
    start, ceilings = start_weight(state.cycle + 1, spans.cycles_per_year), asked.ceilings
    columns = {
        name: replace(column, evidence=column.evidence.closed(asked.lines[name], start=start, ceiling=ceilings[name]))
        for name, column in state.columns.items()
    }
    return replace(state, columns=columns, cycle=cycle)


def _bet(evidence: Evidence, counts: Sequence[int] | None, lines: Lines, weight: float) -> Evidence:
    if counts is None:  # the profile is older than the column
        return evidence
    return evidence.after(np.array(counts, dtype=np.float64), lines, start=weight)


def judged(
    state: DriftState, asked: Questions, config: DriftConfig, *, at: datetime
) -> tuple[DriftState, list[ColumnDrift]]:
    """The state with each column drifted or not, and the columns by effect."""
    evidence = {name: float(each.evidence.value(asked.lines[name])) for name, each in state.columns.items()}
    found, needed = asked.found({name: each.evidence for name, each in state.columns.items()}), asked.needed
    columns = compare(asked.bins, state.window)
    watched = dict(state.columns)
    for each in columns:
        column = watched[each.column]
        starts = each.column in found and each.effect >= config.effect
        stays = column.since is not None and still_drifted(
            each.effect, config.effect, evidence[each.column], needed[each.column]
        )
        since = (column.since or at) if starts or stays else None
        watched[each.column] = replace(column, since=since)
    return replace(state, columns=watched), columns
