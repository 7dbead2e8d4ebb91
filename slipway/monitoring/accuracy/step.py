"""The monitor's step `accuracy`: estimates accuracy, corrects it by labels, and finds that it has fallen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from slipway.models.measurements.calibration import Calibration
from slipway.monitoring.accuracy.correction import LEAST_DRAWN, Drawn, Population, corrected_accuracy, needed_before
from slipway.monitoring.accuracy.drawing import chance
from slipway.monitoring.accuracy.evidence import (
    DRAWN,
    ESTIMATED,
    FEEDBACK,
    Hour,
    Reference,
    Unit,
    expected_of,
    of_estimate,
    of_feedback,
    units_of_drawn,
)
from slipway.monitoring.accuracy.labelled_table import LabelReader, made_at
from slipway.monitoring.accuracy.limits import AccuracyLimits
from slipway.monitoring.accuracy.measured import is_right
from slipway.monitoring.accuracy.normal import AsSealed, NormalReader, references_of
from slipway.monitoring.accuracy.score_sums import ScoreSums, read_sums
from slipway.monitoring.accuracy.state import AccuracyState
from slipway.monitoring.captures.reading import HOUR, start_of_hour
from slipway.monitoring.reminders import is_due
from slipway.monitoring.steps import Event, Findings, Labelled, Period, State
from slipway.monitoring.telemetry import metrics

WINDOW = timedelta(days=7)
"""How far back drawn labels correct the estimate of the latest captures."""

LimitsOf = Callable[[str], AccuracyLimits]


@dataclass(frozen=True, slots=True)
class _Look:
    """One period and what does not change during it."""

    period: Period
    calibration: Calibration
    limits: AccuracyLimits
    references: Mapping[str, Reference]

    @property
    def end(self) -> datetime:
        return self.period.profile.end


class AccuracyStep:
    """A `Step` of versions with a calibration; others have no estimate, and no line that accuracy could fall below."""

    name = "accuracy"

    def __init__(self, limits: LimitsOf, labels: LabelReader, normals: NormalReader | None = None) -> None:
        self._limits = limits
        self._labels = labels
        self._normals = normals or AsSealed()

    def after(self, state: State | None, period: Period) -> tuple[State, Findings]:
        calibration = period.package.calibration
        if calibration is None:
            return state or {}, Findings()
        limits = self._limits(period.profile.model)
        normal = self._normals.read(period.profile.model, period.profile.version)
        look = _Look(period, calibration, limits, references_of(calibration, normal))
        before = AccuracyState.load(state or None, calibration.digest, normal.digest if normal else "")
        sums = read_sums(calibration, [period.profile.sums])
        estimated = _with_estimate(before, look, sums)
        with_feedback, labelled = self._with_feedback(estimated, look)
        drawn = self._drawn(look)
        after = _kept(_with_drawn(with_feedback, look, drawn), look)
        figures = _figures(look, after, drawn)
        figures[metrics.ACCURACY_FALLEN] = float(after.alarmed is not None)
        if labelled:
            figures[metrics.LABELLED_ACCURACY] = sum(map(is_right, labelled)) / len(labelled)
        if after.alarmed is None or not is_due(after.told, look.end, minutes=period.profile.minutes):
            return after.dump(), Findings(figures)
        event = Event("accuracy", _detail(look, after, figures))
        return replace(after, told=look.end).dump(), Findings(figures, (event,))

    def _with_feedback(self, state: AccuracyState, look: _Look) -> tuple[AccuracyState, list[Labelled]]:
        """Bet on the hours in order, each once all of its captures have labels or were waited for long enough."""
        seen: list[Labelled] = []
        wait = timedelta(hours=look.limits.wait_hours)
        for hour in sorted(hour for hour in state.hours if state.bet_until is None or hour >= state.bet_until):
            if hour + HOUR > look.end:
                break
            labelled = self._of_version(self._labels.labelled(look.period.profile.model, hour, hour + HOUR), look)
            if len(labelled) < state.hours[hour].records and hour + HOUR + wait > look.end:
                break
            representative = look.limits.representative
            unit = of_feedback(state.hours[hour], labelled, look.calibration, representative=representative)
            if unit is not None:
                state = _bet(state, look, FEEDBACK, unit)
            state = replace(state, bet_until=hour + HOUR)
            seen += labelled
        return state, seen

    def _drawn(self, look: _Look) -> list[Labelled]:
        """The drawn labels of the version, in an order that has nothing to do with what they say."""
        found = self._of_version(self._labels.drawn(look.period.profile.model), look)
        return sorted(found, key=lambda each: chance(each.id, "order"))

    def _of_version(self, labelled: Sequence[Labelled], look: _Look) -> list[Labelled]:
        """Those of the version that were predicted by the end of the period."""
        version = look.period.profile.version
        return [each for each in labelled if each.version == version and made_at(each) < look.end]


def drawn_of(labelled: Sequence[Labelled], calibration: Calibration) -> Drawn:
    """Drawn labels as numbers."""
    right = np.array([is_right(each) for each in labelled], dtype=float)
    probability = np.array([each.probability or 1.0 for each in labelled], dtype=float)
    return Drawn(right, expected_of(labelled, calibration), probability)


def _with_estimate(state: AccuracyState, look: _Look, sums: ScoreSums) -> AccuracyState:
    hour = start_of_hour(look.period.profile.start)
    added = Hour(float(look.period.profile.records), sums.n, sums.total)
    hours = {**state.hours, hour: state.hours.get(hour, Hour()) + added}
    unit = of_estimate(added, look.calibration)
    state = replace(state, hours=hours)
    return state if unit is None else _bet(state, look, ESTIMATED, unit)


def _with_drawn(state: AccuracyState, look: _Look, drawn: Sequence[Labelled]) -> AccuracyState:
    new = [each for each in drawn if _short(each) not in state.seen]
    if not new:
        return state
    scale = float(np.mean([1 / (each.probability or 1.0) for each in drawn]))
    for unit in units_of_drawn(new, state.hours, look.calibration, scale=scale):
        state = _bet(state, look, DRAWN, unit)
    return replace(state, seen=frozenset(map(_short, drawn)))


def _bet(state: AccuracyState, look: _Look, stream: str, unit: Unit) -> AccuracyState:
    """Bet on one unit; the evidence counts at its highest, since the test is valid after each of them."""
    evidence, limits = state.evidence.after(stream, unit, look.references[stream]), look.limits
    if state.alarmed is None and evidence.has_fallen(
        look.references[evidence.strongest], max_drop=limits.max_drop, false_alarms=limits.false_alarms
    ):
        state = replace(state, alarmed=look.period.profile.start)
    return replace(state, evidence=evidence)


def _kept(state: AccuracyState, look: _Look) -> AccuracyState:
    """The state without hours that nothing needs any more."""
    oldest = look.end - WINDOW - HOUR
    waiting = look.end if state.bet_until is None else state.bet_until
    return replace(state, hours={hour: sums for hour, sums in state.hours.items() if hour >= min(oldest, waiting)})


def _figures(look: _Look, state: AccuracyState, drawn: Sequence[Labelled]) -> dict[str, float]:
    """The metrics: the accuracy of the period by its scores, corrected by the drawn labels of the last days."""
    sums = read_sums(look.calibration, [look.period.profile.sums])
    recent = [each for each in drawn if made_at(each) >= look.end - WINDOW]
    hours = [hour for start, hour in state.hours.items() if start >= look.end - WINDOW - HOUR]
    captured = sum(hours, Hour())
    if not sums.n or captured.mean is None:
        return {}
    population = Population(captured.scored, captured.mean, sums.variance)
    if len(recent) < LEAST_DRAWN:
        needed = needed_before(population, width=look.limits.width) - len(recent)
        return {metrics.ESTIMATED_ACCURACY: sums.mean, metrics.LABELS_NEEDED: float(max(needed, 0))}
    corrected = corrected_accuracy(drawn_of(recent, look.calibration), population, width=look.limits.width)
    bias = corrected.once.value - captured.mean
    value = min(max(sums.mean + bias, 0.0), 1.0)
    return {metrics.ESTIMATED_ACCURACY: value, metrics.LABELS_NEEDED: float(corrected.needed)}


def _detail(look: _Look, state: AccuracyState, figures: dict[str, float]) -> dict[str, object]:
    profile, strongest = look.period.profile, state.evidence.strongest
    return {
        "model": profile.model,
        "version": profile.version,
        "period": profile.start.isoformat(),
        "reference": round(look.references[strongest].accuracy, 4),
        "acknowledged": bool(state.normal),
        "found": round(state.evidence.streams[strongest].run_mean, 4),
        "max_drop": look.limits.max_drop,
        "false_alarms": look.limits.false_alarms,
        "by": strongest,
        "log_evidence": round(state.evidence.total, 3),
        "estimated": figures.get(metrics.ESTIMATED_ACCURACY),
        "labelled": figures.get(metrics.LABELLED_ACCURACY),
        "standing": state.alarmed != profile.start,
    }


def _short(labelled: Labelled) -> str:
    return f"{int(chance(labelled.id, 'seen') * 16**12):012x}"
