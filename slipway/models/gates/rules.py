"""The gates that a package must pass to become a version: pure judgements of measured values.

Functions and containers import this with the registry; `slipway.models.gates.checking` does the measuring.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.config import GatesConfig, QualityGate, metric_name

# Floating point makes a difference such as 0.66 - 0.655 larger than 0.005.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Figure:
    """One quality metric, and the name of the data that it was measured on."""

    metric: str
    value: float
    data: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of one package; None means not measured.

    ``labelled`` is the name of the labelled data that some of the ``figures`` were just measured on; ``agreement`` the
    share of its records, 0 to 1, on which the version before agrees; ``latency_ms`` the median for one record with one
    thread; ``golden`` the number of golden records that it answered as expected. ``label`` is the package's name in
    sentences.
    """

    label: str
    figures: tuple[Figure, ...]
    size_bytes: int
    labelled: str | None = None
    agreement: float | None = None
    latency_ms: float | None = None
    golden: int = 0


@dataclass(frozen=True, slots=True)
class GateResult:
    """The result of one gate.

    ``by_how_much`` is the distance of ``measured`` from ``allowed``: the margin if the gate passed, the shortfall if it
    failed. Each of the three is None where there was nothing to measure or to compare with.
    """

    name: str
    sentence: str
    passed: bool
    measured: float | None = None
    allowed: float | None = None
    by_how_much: float | None = None


@dataclass(frozen=True, slots=True)
class CheckedData:
    """The labelled file that a check was made on."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Check:
    """The results of all gates; ``against`` names the version before it, if there was one."""

    results: tuple[GateResult, ...]
    against: str | None = None
    data: CheckedData | None = None

    @property
    def passed(self) -> bool:
        """Whether there was at least one gate and none failed."""
        return bool(self.results) and not self.failed

    @property
    def failed(self) -> tuple[GateResult, ...]:
        """The results of the gates that failed."""
        return tuple(result for result in self.results if not result.passed)


def judge_package(thresholds: GatesConfig, measured: Measured, previous: Measured | None) -> list[GateResult]:
    """Judge a package by every gate that is set, comparing with the version before it if there is one.

    A gate without a measurement fails; a gate that compares with the version before passes if there is none.
    """
    return [
        *(result for gate in thresholds.quality for result in _quality(gate, measured, previous)),
        *_agreement(thresholds, measured, previous),
        *_size(thresholds, measured),
        *_latency(thresholds, measured, previous),
        *_golden(thresholds, measured),
    ]


def _quality(gate: QualityGate, measured: Measured, previous: Measured | None) -> Iterator[GateResult]:
    figure = _figure(gate, measured)
    if figure is None:
        yield _unmeasured(gate.metric, _no_figure(gate, measured))
        return
    place = f"{gate.metric} on {figure.data}"
    if gate.min is not None:
        yield _at_least(f"{gate.metric} min", place, figure.value, gate.min)
    if gate.max is not None:
        yield _at_most(f"{gate.metric} max", place, figure.value, gate.max)
    if gate.max_drop is not None:
        yield _drop(gate, gate.max_drop, figure, previous)


def _drop(gate: QualityGate, allowed: float, figure: Figure, previous: Measured | None) -> GateResult:
    name = f"{gate.metric} max_drop"
    if previous is None:
        return _nothing_before(name)
    before = next((f for f in _same_metric(gate, previous) if f.data == figure.data), None)
    if before is None:
        return _unmeasured(name, f"{previous.label} has no {gate.metric} on {figure.data} to compare with")
    drop = (before.value - figure.value) * (-1 if gate.lower_is_better else 1)
    what = f"{gate.metric} on {figure.data} is {_shown(figure.value)} after {_shown(before.value)}, and the drop"
    return _at_most(name, what, max(drop, 0.0), allowed)


def _agreement(thresholds: GatesConfig, measured: Measured, previous: Measured | None) -> Iterator[GateResult]:
    if thresholds.min_agreement is None:
        return
    if previous is None:
        yield _nothing_before("agreement")
    elif measured.agreement is None:
        yield _unmeasured("agreement", f"it needs labelled records that {previous.label} can also read")
    else:
        what = f"the agreement with {previous.label}"
        yield _at_least("agreement", what, measured.agreement, thresholds.min_agreement)


def _size(thresholds: GatesConfig, measured: Measured) -> Iterator[GateResult]:
    if thresholds.max_package_bytes is not None:
        yield _at_most(
            "package bytes", "the package's size in bytes", measured.size_bytes, thresholds.max_package_bytes
        )


def _latency(thresholds: GatesConfig, measured: Measured, previous: Measured | None) -> Iterator[GateResult]:
    latency, most, ratio = measured.latency_ms, thresholds.max_latency_ms, thresholds.max_latency_ratio
    if most is not None:
        what = "the median latency in ms"
        yield _at_most("latency ms", what, latency, most) if latency is not None else _unmeasured("latency ms")
    if ratio is None:
        return
    if previous is None:
        yield _nothing_before("latency ratio")
    elif latency is None or not previous.latency_ms:
        yield _unmeasured("latency ratio")
    else:
        what = f"the median latency against {previous.label}'s {_shown(previous.latency_ms)} ms"
        yield _at_most("latency ratio", what, latency / previous.latency_ms, ratio)


def _golden(thresholds: GatesConfig, measured: Measured) -> Iterator[GateResult]:
    if thresholds.requires_golden:
        sentence = f"{measured.label} answered {measured.golden} golden records as expected; at least 1 is required"
        yield _limited("golden records", sentence, measured.golden, 1, passed=measured.golden > 0)


def _figure(gate: QualityGate, measured: Measured) -> Figure | None:
    """The figure that a gate refers to; None if there is none or it is ambiguous."""
    data = gate.data or measured.labelled
    found = [figure for figure in _same_metric(gate, measured) if data is None or figure.data == data]
    return found[0] if len(found) == 1 else None


def _same_metric(gate: QualityGate, measured: Measured) -> list[Figure]:
    return [figure for figure in measured.figures if metric_name(figure.metric) == metric_name(gate.metric)]


def _no_figure(gate: QualityGate, measured: Measured) -> str:
    wanted = f"on {gate.data or measured.labelled}" if gate.data or measured.labelled else "on a single data set"
    there = ", ".join(f"{figure.metric} on {figure.data}" for figure in measured.figures) or "none"
    return f"there is no {gate.metric} {wanted}; there is {there}"


def _at_least(name: str, what: str, measured: float, allowed: float) -> GateResult:
    passed = measured >= allowed - _ROUNDING
    lack = "" if passed else f": {_shown(allowed - measured)} too little"
    sentence = f"{what} is {_shown(measured)}; at least {_shown(allowed)} is required{lack}"
    return _limited(name, sentence, measured, allowed, passed=passed)


def _at_most(name: str, what: str, measured: float, allowed: float) -> GateResult:
    passed = measured <= allowed + _ROUNDING
    excess = "" if passed else f": {_shown(measured - allowed)} too much"
    sentence = f"{what} is {_shown(measured)}; at most {_shown(allowed)} is allowed{excess}"
    return _limited(name, sentence, measured, allowed, passed=passed)


def _limited(name: str, sentence: str, measured: float, allowed: float, *, passed: bool) -> GateResult:
    distance = abs(measured - allowed)
    return GateResult(name, sentence, passed=passed, measured=measured, allowed=allowed, by_how_much=distance)


def _nothing_before(name: str) -> GateResult:
    return GateResult(name, "there is no version before it to compare with", passed=True)


def _unmeasured(name: str, reason: str = "it was not measured") -> GateResult:
    return GateResult(name, reason, passed=False)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
