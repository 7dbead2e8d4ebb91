"""Make golden records: choose validation records, and measure how far right answers to them may differ."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from slipway.models.manifest import Form, Record
from slipway.models.measurements.golden import ALONE, FLOAT_TOLERANCE, Golden, GoldenRecord, answers, distances
from slipway.models.package import Package
from slipway.models.prediction.labels import answered_labels
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Output
from slipway.models.processors import answers_of

RECORDS = 32
MOST_RECORDS = 50
BATCH = 8
UNOPTIMIZED = "unoptimized"
# The largest difference over a few records is below the largest over all records.
_MARGIN = 2.0
_DIGITS = 2


def make_golden(
    package: Package,
    records: Sequence[Record],
    *,
    processors: Sequence[Path] = (),
    task_modules: Sequence[str] = (),
) -> Golden | None:
    """The golden records of a package, in the given order, with its present answers as the expected ones.

    None if its answers cannot be compared, because its task gives other answers to the same records each time.

    Args:
        package: the package, which need not be sealed.
        records: whole records, from `choose_records`.
        processors: Pythons that run on other processors.
        task_modules: as `Predictor` has them.

    Raises:
        PackageError, PredictionError: the package cannot be opened, or fails on a record.
        InputError: a processor's Python cannot be run.
    """
    ordered = _by_length(package, records)
    expected = answers(Predictor(package, task_modules=task_modules), ordered, BATCH)
    measured = dict(_measured(package, ordered, expected, processors, task_modules))
    tolerance = _tolerance(measured)
    if not math.isfinite(tolerance):
        return None
    kept = tuple(GoldenRecord(record=dict(one), expected=it) for one, it in zip(ordered, expected, strict=True))
    rounded = {name: _rounded(value) for name, value in measured.items()}
    return Golden(tolerance=tolerance, batch=BATCH, measured=rounded, records=kept)


def choose_records(records: Sequence[Record], outputs: Sequence[Output], count: int = RECORDS) -> list[Record]:
    """``count`` records, or all if there are fewer: each label in turn, and of its records those of all scores."""
    groups: dict[str, list[int]] = {}
    for index, output in enumerate(outputs):
        groups.setdefault(_label(output), []).append(index)
    for group in groups.values():
        group.sort(key=lambda index: _rank(outputs[index]))
    turns = zip_longest(*(_spread(groups[label]) for label in sorted(groups)))
    chosen = [index for turn in turns for index in turn if index is not None][:count]
    return [records[index] for index in sorted(chosen)]


def _label(output: Output) -> str:
    labels = answered_labels(output)
    return str(output.get(Form.LABEL, "")) if labels is None else ", ".join(labels)


def _rank(output: Output) -> float:
    """A number to order answers of one label by."""
    for name in ("score", Form.VALUE):
        if isinstance(output.get(name), int | float):
            return float(output[name])
    for name in ("scores", Form.VALUES):
        numbers = output.get(name)
        if isinstance(numbers, Mapping) and all(isinstance(each, int | float) for each in numbers.values()):
            return float(sum(numbers.values()))
    return 0.0


def _spread(indices: Sequence[int]) -> Iterator[int]:
    """All of them, the ends first, then the middle, then the quarters, and so on."""
    seen: set[int] = set()
    parts = 1
    while len(seen) < len(indices):
        for part in range(parts + 1):
            position = round(part * (len(indices) - 1) / parts)
            if position not in seen:
                seen.add(position)
                yield indices[position]
        parts *= 2


def _by_length(package: Package, records: Sequence[Record]) -> list[Record]:
    """Texts of similar length in one batch cost least; values in the manifest's order."""
    names = [field.name for field in package.manifest.inputs]
    whole = [{name: record[name] for name in names} for record in records]
    return sorted(whole, key=lambda record: sum(len(value) for value in record.values() if isinstance(value, str)))


def _measured(
    package: Package,
    records: Sequence[Record],
    expected: Sequence[Output],
    processors: Sequence[Path],
    task_modules: Sequence[str],
) -> Iterator[tuple[str, float]]:
    """The largest differences from the expected answers, by what is different."""
    yield ALONE, _largest(expected, answers(Predictor(package, task_modules=task_modules), records, 1))
    plain = Predictor(package, task_modules=task_modules, optimized=False)
    yield UNOPTIMIZED, _largest(expected, answers(plain, records, BATCH))
    for python in processors:
        there = answers_of(python, package, records, BATCH, task_modules=task_modules)
        yield there.processor, _largest(expected, there.answers)


def _largest(expected: Sequence[Output], found: Sequence[Mapping[str, Any]]) -> float:
    return max(distances(expected, found))


def _tolerance(measured: Mapping[str, float]) -> float:
    """Other processors' own differences, if they were measured; else what moves the answers on this one."""
    elsewhere = [value for name, value in measured.items() if name not in (ALONE, UNOPTIMIZED)]
    largest = max(elsewhere) if elsewhere else max(measured.values())
    return FLOAT_TOLERANCE if largest <= FLOAT_TOLERANCE else _rounded(_MARGIN * largest)


def _rounded(value: float) -> float:
    """Round up, so that the tolerance admits what it was measured on."""
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) + 1 - _DIGITS)
    return float(f"{math.ceil(value / unit) * unit:.{_DIGITS}g}")
