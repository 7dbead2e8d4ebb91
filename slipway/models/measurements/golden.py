"""Golden records: some records with their expected answers, by which a package proves itself wherever it is loaded.

The records are predicted in fixed batches, in the file's order, because an answer of a dynamically quantized graph
depends on its batch. `slipway.models.measurements.golden_choice` makes the file.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import GoldenError, PackageError, PredictionError
from slipway.models.manifest import Manifest, Record, Scalar
from slipway.models.package import Package

GOLDEN = "golden.json"
ALONE = "alone"
"""The name, among what was measured, of the difference of answers alone from those in a batch."""

FLOAT_TOLERANCE = 1e-4
"""The tolerance of a graph whose answers depend neither on the batch nor on the processor: float32's rounding."""

GPU_TOLERANCE = 1e-2
"""The least tolerance on a GPU: its TF32 products keep ten bits of a float32's mantissa."""

Output = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class GoldenRecord(_Part):
    """A whole record, and the answer that its version gives to it."""

    record: dict[str, Scalar | None]
    expected: dict[str, Any]


class Golden(_Part):
    """The whole of ``golden.json``.

    ``measured`` has the largest differences that were seen as the file was made, by what was compared: ``alone`` with
    each record in a batch of its own, ``unoptimized`` without ONNX Runtime's optimizations, or the name of another
    processor.
    """

    format: Literal[1] = 1
    tolerance: Annotated[float, Field(gt=0)]
    batch: Annotated[int, Field(ge=1)]
    measured: dict[str, float] = {}
    records: tuple[GoldenRecord, ...] = Field(strict=False, min_length=1)


@dataclass(frozen=True, slots=True)
class Proof:
    """A passed comparison: the number of records, their largest difference, and the one that was allowed."""

    records: int
    largest: float
    tolerance: float


class Proves(Protocol):
    """A version that is loaded, such as a `slipway.models.prediction.predictor.Predictor`."""

    @property
    def package(self) -> Package: ...
    def predict(self, records: Sequence[Record]) -> Sequence[Output]: ...


def has_golden(manifest: Manifest) -> bool:
    """Whether a package has golden records; those of earlier builds have none."""
    return any(entry.path == GOLDEN for entry in manifest.files)


def read_golden(path: Path) -> Golden:
    """Read ``golden.json``; raises PackageError with the path of each wrong value."""
    try:
        return Golden.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PackageError(path, f"cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
        raise PackageError(path, problems) from error


def write_golden(path: Path, golden: Golden) -> None:
    """Write ``golden.json``, one line per record."""
    document = golden.model_dump(mode="json")
    records = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in document.pop("records"))
    head = "".join(f' "{name}": {json.dumps(value)},\n' for name, value in document.items())
    path.write_text(f'{{\n{head} "records": [\n{records}\n ]\n}}\n', encoding="utf-8")


def prove(predictor: Proves, *, required: bool = False, least: float = 0.0) -> Proof | None:
    """Have a loaded version answer its golden records; None if it has none.

    Args:
        predictor: the version.
        required: refuse a package without golden records.
        least: the least tolerance; the package's own applies if it is larger.

    Raises:
        GoldenError: an answer differs from the expected one by more than the tolerance.
        PackageError: ``golden.json`` is malformed, or missing and ``required``.
    """
    package = predictor.package
    path = package.path(GOLDEN)
    if not has_golden(package.manifest):
        if required:
            raise PackageError(path, "is missing, and `gates.golden` in slipway.yaml requires it")
        return None
    golden = read_golden(path)
    return compare(path, golden, _answers(path, golden, predictor), least=least)


def _answers(path: Path, golden: Golden, predictor: Proves) -> list[Output]:
    try:
        return answers(predictor, [each.record for each in golden.records], golden.batch)
    except PredictionError as error:
        raise GoldenError(path, brief=f"its golden records cannot be predicted: {error}") from error


def answers(predictor: Proves, records: Sequence[Record], batch: int) -> list[Output]:
    """The answers to records in batches of ``batch``; raises PredictionError as the version does."""
    starts = range(0, len(records), batch)
    return [output for start in starts for output in predictor.predict(records[start : start + batch])]


def compare(path: Path | str, golden: Golden, found: Sequence[Mapping[str, Any]], *, least: float = 0.0) -> Proof:
    """Compare answers with the expected ones; ``path`` is the file for the error.

    Raises:
        GoldenError: an answer differs by more than the tolerance. It names the record that differs most.
    """
    tolerance = max(golden.tolerance, least)
    apart = distances([each.expected for each in golden.records], found)
    worst = max(range(len(apart)), key=apart.__getitem__)
    if apart[worst] > tolerance:
        raise _difference(path, golden, found, apart, tolerance)
    return Proof(len(apart), apart[worst], tolerance)


def _difference(
    path: Path | str, golden: Golden, found: Sequence[Mapping[str, Any]], apart: Sequence[float], tolerance: float
) -> GoldenError:
    worst = max(range(len(apart)), key=apart.__getitem__)
    wrong = sum(each > tolerance for each in apart)
    size = f"by {apart[worst]:.3g}" if math.isfinite(apart[worst]) else "in form"
    one = golden.records[worst]
    brief = (
        f"record {worst + 1} of {len(apart)} differs {size}, and {tolerance:g} is allowed ({wrong} differ): "
        f"expected {_shown(one.expected)}, found {_shown(found[worst])}"
    )
    return GoldenError(path, brief=brief, record=_shown(one.record))


def distances(expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> list[float]:
    """How far each answer is from the expected one.

    The difference of a score is absolute, that of a value relative to the largest expected value of its target; of a
    user's own task, that of a number is relative if it is above 1. Labels follow from scores. Answers that differ in
    anything else are infinitely far apart.
    """
    scales = _scales(expected)
    return [_distance(one, other, scales) for one, other in zip(expected, found, strict=True)]


def _scales(expected: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The largest expected value of each target; a single value has no name."""
    scales: dict[str, float] = {}
    for output in expected:
        for name, value in _values(output).items():
            scales[name] = max(scales.get(name, 0.0), abs(value))
    return scales


def _values(output: Mapping[str, Any]) -> Mapping[str, float]:
    if output.keys() == {"value"} and _is_number(output["value"]):
        return {"": output["value"]}
    values = output.get("values")
    if output.keys() == {"values"} and isinstance(values, Mapping) and all(map(_is_number, values.values())):
        return values
    return {}


def _distance(expected: Mapping[str, Any], found: Mapping[str, Any], scales: Mapping[str, float]) -> float:
    values, others = _values(expected), _values(found)
    if values and values.keys() == others.keys():
        return max(_apart(value, others[name], scales[name] or 1.0) for name, value in values.items())
    if isinstance(expected.get("scores"), Mapping) and "scores" in found:
        return _any_distance(expected["scores"], found["scores"])
    return _any_distance(expected, found)


def _any_distance(one: Any, other: Any) -> float:
    if _is_number(one) and _is_number(other):
        return _apart(one, other, max(1.0, abs(one)))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        pairs = ((value, other[name]) for name, value in one.items()) if one.keys() == other.keys() else None
        return math.inf if pairs is None else _largest(pairs)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return _largest(zip(one, other, strict=True)) if len(one) == len(other) else math.inf
    return 0.0 if one == other else math.inf


def _largest(pairs: Iterator[tuple[Any, Any]]) -> float:
    return max((_any_distance(one, other) for one, other in pairs), default=0.0)


def _apart(one: float, other: float, scale: float) -> float:
    distance = abs(one - other) / scale
    return math.inf if math.isnan(distance) else distance


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_SHOWN_CHARACTERS = 400


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
