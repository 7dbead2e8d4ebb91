"""Whether a manifest and its baseline agree: the same inputs and outputs, and bounds that admit its values."""

from collections.abc import Iterable, Iterator

from slipway.config import FeatureType
from slipway.errors import FieldProblem
from slipway.models.manifest import InputField, Manifest
from slipway.models.measurements.baseline import (
    Baseline,
    Categories,
    InputSummary,
    Numbers,
    Text,
    category_of,
    kind_of,
    rounded,
)

_NUMERIC = (FeatureType.INTEGER, FeatureType.FLOAT)
_BOOLEANS = (True, False)


def misfits(manifest: Manifest, baseline: Baseline) -> list[FieldProblem]:
    """Name every part of the manifest that contradicts the baseline."""
    inputs = {field.name for field in manifest.inputs}
    problems = [
        FieldProblem(f"inputs.{name}", "is not there, but baseline.json has its values")
        for name in baseline.inputs
        if name not in inputs
    ]
    for field in manifest.inputs:
        problems += _misfits_of(field, baseline.inputs.get(field.name))
    return [*problems, *_output_misfits(manifest, baseline)]


def _misfits_of(field: InputField, summary: InputSummary | None) -> Iterator[FieldProblem]:
    path = f"inputs.{field.name}"
    if summary is None:
        yield FieldProblem(path, "has no values in baseline.json")
        return
    if summary.kind != kind_of(field) and not _is_category_of_table(field, summary):
        message = f"is of type {field.type}{' with `allowed`' if field.allowed else ''}"
        yield FieldProblem(path, f"{message}, but baseline.json describes it as {summary.kind}")
        return
    if summary.missing and not field.nullable:
        yield FieldProblem(f"{path}.nullable", "is false, but baseline.json has missing values")
    yield from _value_misfits(field, summary, path)


def _is_category_of_table(field: InputField, summary: InputSummary) -> bool:
    return kind_of(field) == "text" and isinstance(summary, Categories)


def _value_misfits(field: InputField, summary: InputSummary, path: str) -> Iterator[FieldProblem]:
    match summary:
        case Numbers():
            yield from _number_misfits(field, (summary.min, summary.max), path)
        case Text(characters=characters):
            if field.max_characters is not None and rounded(field.max_characters) < rounded(characters.max):
                yield _excludes(f"{path}.max_characters", field.max_characters, characters.max)
        case Categories() if kind_of(field) == "text":
            longest = max(map(len, summary.shares), default=0)
            if field.max_characters is not None and field.max_characters < longest:
                yield _excludes(f"{path}.max_characters", field.max_characters, longest)
        case Categories():
            yield from _category_misfits(field, summary.shares, path)


def _number_misfits(field: InputField, values: tuple[float, ...], path: str) -> Iterator[FieldProblem]:
    """Compare after rounding as the baseline does, since rounding may move a value past a bound that it keeps."""
    least, greatest = min(values), max(values)
    if field.type is FeatureType.INTEGER and not all(value.is_integer() for value in values):
        yield _excludes(f"{path}.type", field.type, next(value for value in values if not value.is_integer()))
    if field.min is not None and rounded(field.min) > rounded(least):
        yield _excludes(f"{path}.min", field.min, least)
    if field.max is not None and rounded(field.max) < rounded(greatest):
        yield _excludes(f"{path}.max", field.max, greatest)


def _category_misfits(field: InputField, found: Iterable[str], path: str) -> Iterator[FieldProblem]:
    permitted = {_comparable(field, category_of(value)) for value in field.allowed or _BOOLEANS}
    unknown = sorted(value for value in found if _comparable(field, value) not in permitted)
    if unknown:
        yield FieldProblem(f"{path}.allowed", f"lacks {', '.join(map(repr, unknown))} of baseline.json")
        return
    numbers = tuple(float(value) for value in found) if field.type in _NUMERIC else ()
    if numbers:
        yield from _number_misfits(field, numbers, path)


def _comparable(field: InputField, category: str) -> str | float:
    """The same number may be written as 1 and 1.0."""
    if field.type not in _NUMERIC:
        return category
    try:
        return float(category)
    except ValueError:
        return category


def _output_misfits(manifest: Manifest, baseline: Baseline) -> Iterator[FieldProblem]:
    labels, known = list(manifest.outputs.labels or ()), list(baseline.outputs.labels or ())
    if labels != known:
        yield FieldProblem("outputs.labels", f"are {labels}, but baseline.json has {known}")
    targets, measured = list(manifest.outputs.target_names), list(baseline.outputs.values or ())
    if targets != measured:
        yield FieldProblem("outputs.targets", f"are {targets}, but baseline.json has {measured}")


def _excludes(path: str, limit: object, value: float) -> FieldProblem:
    return FieldProblem(path, f"is {limit}, but baseline.json has {value:g}")
