"""What is known of the accuracy of a version in a window: before labels, from labels, and from both."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.models.manifest import Form
from slipway.models.measurements.calibration import Calibration
from slipway.models.package import Package
from slipway.monitoring.accuracy.correction import LEAST_DRAWN, Corrected, Population, corrected_accuracy, needed_before
from slipway.monitoring.accuracy.drawing import chance
from slipway.monitoring.accuracy.estimate import estimated_accuracy
from slipway.monitoring.accuracy.evidence import DRAWN
from slipway.monitoring.accuracy.labelled_table import made_at
from slipway.monitoring.accuracy.limits import AccuracyLimits
from slipway.monitoring.accuracy.measured import Measured, by_segment, measured
from slipway.monitoring.accuracy.normal import NormalAccuracy, references_of
from slipway.monitoring.accuracy.score_sums import SegmentGroups, read_sums
from slipway.monitoring.accuracy.step import drawn_of
from slipway.monitoring.captures.reading import start_of_hour
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import Labelled
from slipway.statistics.intervals import Interval

_FORMS = {
    Form.LABEL: "was made without labels, so that its scores are not calibrated: `slipway model seal` with --records "
    "measures it",
    Form.LABELS: "was made without labels, so that its scores are not calibrated: `slipway model seal` with --records "
    "measures it",
    Form.VALUE: "is a regression, whose answers have no score: its error is known from labels alone",
    Form.VALUES: "is a regression, whose answers have no score: its error is known from labels alone",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One hour or one group of a segment: its captures, their estimated accuracy, and what their labels say."""

    name: str
    captures: float
    estimated: Interval | None
    labelled: Measured | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The accuracy of one version in a window.

    ``reference`` is the accuracy on the validation records, ``normal`` what was acknowledged in its place, if anything,
    and ``least`` what it may fall to. ``estimated`` is from scores
    alone, ``corrected`` from scores and the labels of drawn records, ``labelled`` from all labels, ``drawn`` of those
    from drawn records. ``needed`` labels more would make the interval as narrow as configured.
    """

    captures: float
    reference: float | None
    normal: float | None
    least: float | None
    estimated: Interval | None
    corrected: Corrected | None
    labelled: Measured | None
    drawn: int
    needed: int | None
    hours: tuple[Part, ...]
    segments: Mapping[str, tuple[Part, ...]]
    notes: tuple[str, ...]


def summarize(
    package: Package,
    profiles: Sequence[Profile],
    labelled: Sequence[Labelled],
    limits: AccuracyLimits,
    groups: SegmentGroups,
    *,
    normal: NormalAccuracy | None = None,
    alpha: float = 0.05,
) -> Summary:
    """Summarize the profiles of a window, and the labels of its captures, all of one version."""
    calibration = package.calibration
    line = None if calibration is None else references_of(calibration, normal)[DRAWN].accuracy
    drawn = [each for each in labelled if each.probability is not None]
    corrected, needed = _correction(calibration, profiles, drawn, limits, alpha) if calibration else (None, None)
    return Summary(
        captures=float(sum(profile.records for profile in profiles)),
        reference=calibration.accuracy if calibration else None,
        normal=line if calibration and normal and normal.is_of(calibration) else None,
        least=None if line is None else line - limits.max_drop,
        estimated=_estimated(calibration, profiles, alpha),
        corrected=corrected,
        labelled=measured(labelled, alpha=alpha),
        drawn=len(drawn),
        needed=needed,
        hours=tuple(_hours(calibration, profiles, labelled, alpha)),
        segments=_segments(calibration, profiles, labelled, groups, alpha),
        notes=tuple(_notes(package, labelled, len(drawn), limits)),
    )


def _estimated(
    calibration: Calibration | None, profiles: Sequence[Profile], alpha: float, segment: str = "", value: str = ""
) -> Interval | None:
    if calibration is None:
        return None
    sums = read_sums(calibration, [profile.sums for profile in profiles], segment, value)
    return estimated_accuracy(calibration, sums, alpha) if sums.n else None


def _correction(
    calibration: Calibration,
    profiles: Sequence[Profile],
    drawn: Sequence[Labelled],
    limits: AccuracyLimits,
    alpha: float,
) -> tuple[Corrected | None, int | None]:
    sums = read_sums(calibration, [profile.sums for profile in profiles])
    if not sums.n:
        return None, None
    population = Population(sums.n, sums.mean, sums.variance)
    if len(drawn) < LEAST_DRAWN:
        needed = needed_before(population, alpha=alpha, width=limits.width)
        return None, max(needed - len(drawn), 0)
    ordered = sorted(drawn, key=lambda each: chance(each.id, "order"))
    found = corrected_accuracy(drawn_of(ordered, calibration), population, alpha=alpha, width=limits.width)
    return found, found.needed


def _hours(
    calibration: Calibration | None, profiles: Sequence[Profile], labelled: Sequence[Labelled], alpha: float
) -> list[Part]:
    by_hour: dict[datetime, tuple[list[Profile], list[Labelled]]] = defaultdict(lambda: ([], []))
    for profile in profiles:
        by_hour[start_of_hour(profile.start)][0].append(profile)
    for each in labelled:
        by_hour[start_of_hour(made_at(each))][1].append(each)
    return [
        Part(
            hour.isoformat(),
            float(sum(profile.records for profile in own)),
            _estimated(calibration, own, alpha),
            measured(known, alpha=alpha),
        )
        for hour, (own, known) in sorted(by_hour.items())
    ]


def _segments(
    calibration: Calibration | None,
    profiles: Sequence[Profile],
    labelled: Sequence[Labelled],
    groups: SegmentGroups,
    alpha: float,
) -> dict[str, tuple[Part, ...]]:
    """By segment and group; the intervals are for one group, and not corrected for their number."""
    known = by_segment(labelled, groups.of, groups.values)
    found: dict[str, tuple[Part, ...]] = {}
    for name, values in groups.values.items():
        parts = []
        for value in values:
            sums = [profile.sums for profile in profiles]
            captures = read_sums(calibration, sums, name, value).n if calibration else 0.0
            estimated = _estimated(calibration, profiles, alpha, name, value)
            parts.append(Part(value, captures, estimated, measured(known[name].get(value, []), alpha=alpha)))
        found[name] = tuple(parts)
    return found


def _notes(package: Package, labelled: Sequence[Labelled], drawn: int, limits: AccuracyLimits) -> list[str]:
    manifest, notes = package.manifest, []
    if package.calibration is None:
        notes.append(f"{manifest.name} {manifest.version} {_FORMS[manifest.outputs.form]}.")
    if len(labelled) > drawn and not limits.representative:
        notes.append(
            f"{len(labelled) - drawn:,} labels came of themselves, perhaps of bad predictions above all: they are "
            "shown, and do not correct the estimate."
        )
    if package.calibration is not None and drawn < LEAST_DRAWN:
        notes.append(
            f"The estimate is corrected once {LEAST_DRAWN} drawn records have labels: "
            f"`slipway monitor label {manifest.name}`."
        )
    return notes
