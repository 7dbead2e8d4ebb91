"""The baseline of a version: the distributions of its inputs and outputs on validation data.

Drift compares captures with it. A distribution of numbers is kept as the shares of its quantile bins, over which the
population stability index is computed.
"""

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev, quantiles
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from slipway.config import FeatureType
from slipway.config.validation import field_problems
from slipway.errors import InputError, PackageError
from slipway.models.manifest import Form, InputField, Manifest, Outputs, Record, Scalar

if TYPE_CHECKING:
    from slipway.models.measurements.pieces import SeenPieces

_BINS = 10
_CATEGORIES = 50
_REPEATED = 2
"""How often the values of a category occur at least, on average."""
_DIGITS = 6
PIECE_CELLS = 256
"""The cells of the histogram of a text's hashed pieces."""

Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Summary(_Part):
    """A distribution of ``count`` values; ``missing`` is the share of records of a nullable input that have none."""

    count: Annotated[int, Field(ge=1)]
    missing: Share | None = None


class Numbers(_Summary):
    """A distribution of numbers. ``shares[i]`` is the share above ``edges[i - 1]`` and up to ``edges[i]``."""

    kind: Literal["numbers"] = "numbers"
    mean: float
    std: Annotated[float, Field(ge=0)]
    min: float
    max: float
    edges: tuple[float, ...]
    shares: tuple[Share, ...]

    @model_validator(mode="after")
    def _bins_are_consistent(self) -> Self:
        if len(self.shares) != len(self.edges) + 1:
            raise ValueError("`shares` needs one more entry than `edges`")
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("`edges` must increase")
        return self


class Categories(_Summary):
    """The shares of the most frequent values, as text; ``other`` is the share of the rest."""

    kind: Literal["categories"] = "categories"
    shares: dict[str, Share]
    other: Share = 0.0


class Pieces(_Part):
    """The shares of ``count`` pieces by hashed cell, and a map of the pieces that training saw (`SeenPieces`).

    ``seen_by`` tells whether the map is of the training texts, or of half of the validation texts.
    """

    count: Annotated[int, Field(ge=1)]
    shares: Annotated[tuple[Share, ...], Field(min_length=PIECE_CELLS, max_length=PIECE_CELLS)]
    seen: str
    seen_by: Literal["training", "validation"] = "training"


class Text(_Summary):
    """Measures of free text; the text itself stays out of the package.

    ``unseen`` is the share of a text's pieces that training never saw. Only ``characters`` is in older baselines.
    """

    kind: Literal["text"] = "text"
    characters: Numbers
    words: Numbers | None = None
    unseen: Numbers | None = None
    pieces: Pieces | None = None


InputSummary = Annotated[Numbers | Categories | Text, Field(discriminator="kind")]


class OutputSummary(_Part):
    """A classifier's shares of labels and top scores, or a regression's values by target.

    A multi-label record counts for each of its labels, so the shares need not add up to 1, and has no top score.
    """

    labels: dict[str, Share] | None = None
    score: Numbers | None = None
    value: Numbers | None = None
    values: dict[str, Numbers] | None = None


class Baseline(_Part):
    """The whole of ``baseline.json``."""

    format: Literal[1] = 1
    records: Annotated[int, Field(ge=1)]
    inputs: dict[str, InputSummary]
    outputs: OutputSummary


def measure_baseline(
    manifest: Manifest,
    records: Sequence[Record],
    outputs: Sequence[Mapping[str, Any]],
    *,
    seen: Mapping[str, "SeenPieces"] | None = None,
) -> Baseline:
    """Summarize validation records and their predictions, one output per record.

    ``records`` have every input of the manifest; ``outputs`` come from `Predictor.predict`. ``seen`` has the pieces of
    the training texts, by input. For a text input without them, half of the validation texts stand in for training, and
    the other half are measured against it. A string of a tabular task is a category, unless most of its values occur
    once, as names and remarks do.

    Raises:
        InputError: there are no records, their number differs from that of the outputs, or an input has no value.
    """
    if not records or len(records) != len(outputs):
        raise InputError.of("records", f"{len(records)} records, {len(outputs)} outputs; a baseline needs one for each")
    is_table = manifest.task.startswith("tabular-")
    inputs = {}
    for field in manifest.inputs:
        values = [record[field.name] for record in records]
        inputs[field.name] = _input_summary(field, values, (seen or {}).get(field.name), is_table=is_table)
    return Baseline(records=len(records), inputs=inputs, outputs=_output_summary(manifest, outputs))


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write ``baseline.json``, one line per input."""
    document = baseline.model_dump(mode="json", exclude_none=True)
    inputs = ",\n".join(f"  {json.dumps(name)}: {json.dumps(summary)}" for name, summary in document["inputs"].items())
    text = (
        f'{{\n "format": {document["format"]},\n "records": {document["records"]},\n'
        f' "inputs": {{\n{inputs}\n }},\n "outputs": {json.dumps(document["outputs"])}\n}}\n'
    )
    path.write_text(text, encoding="utf-8")


def read_baseline(path: Path) -> Baseline:
    """Read ``baseline.json``; raises PackageError with the path of each wrong value."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PackageError(path, f"cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
        raise PackageError(path, problems) from error


def _input_summary(
    field: InputField, values: Sequence[Scalar | None], seen: "SeenPieces | None", *, is_table: bool
) -> Numbers | Categories | Text:
    there = [value for value in values if value is not None]
    if not there:
        raise InputError.of("records", f"every value of {field.name} is missing; a baseline needs some")
    summary = _value_summary(field, there, seen, is_table=is_table)
    if not field.nullable:
        return summary
    return summary.model_copy(update={"missing": rounded(1 - len(there) / len(values))})


def _value_summary(
    field: InputField, values: Sequence[Scalar], seen: "SeenPieces | None", *, is_table: bool
) -> Numbers | Categories | Text:
    match kind_of(field):
        case "text" if is_table and len(values) >= _REPEATED * len(set(values)):
            return categories([str(value) for value in values])
        case "categories":
            return categories([category_of(value) for value in values])
        case "text":
            return _text([str(value) for value in values], seen)
        case "numbers":
            return numbers([float(value) for value in values])


def _text(texts: Sequence[str], seen: "SeenPieces | None") -> Text:
    from slipway.models.measurements.pieces import SeenPieces, measure_texts

    # Measured against their own pieces, the texts would have none that is unseen, and all live texts would have some.
    known, held_out = (seen, texts) if seen else (SeenPieces.of(texts[::2]), texts[1::2])
    measured, unseen = measure_texts(texts, None), measure_texts(held_out, known).unseen
    pieces = int(measured.pieces.sum())
    shares = tuple(rounded(float(count) / pieces) for count in measured.pieces) if pieces else ()
    return Text(
        count=len(texts),
        characters=numbers(measured.characters.tolist()),
        words=numbers(measured.words.tolist()),
        unseen=numbers(unseen.tolist()) if unseen is not None and held_out else None,
        pieces=Pieces(count=pieces, shares=shares, seen=known.dump(), seen_by="training" if seen else "validation")
        if pieces
        else None,
    )


def kind_of(field: InputField) -> Literal["numbers", "categories", "text"]:
    """The kind of summary that an input gets by its type; a text of a table may be a category by its values."""
    if field.type is FeatureType.BOOLEAN or field.allowed is not None:
        return "categories"
    return "text" if field.type is FeatureType.STRING else "numbers"


def _output_summary(manifest: Manifest, outputs: Sequence[Mapping[str, Any]]) -> OutputSummary:
    known = manifest.outputs
    match known.form:
        case Form.LABEL:
            shares = _shares(known, Counter(output["label"] for output in outputs), len(outputs))
            return OutputSummary(labels=shares, score=numbers([output["score"] for output in outputs]))
        case Form.LABELS:
            counts = Counter(label for output in outputs for label in output["labels"])
            return OutputSummary(labels=_shares(known, counts, len(outputs)))
        case Form.VALUE:
            values = [output["value"] for output in outputs if "value" in output]
            return OutputSummary(value=numbers(values) if values else None)
        case Form.VALUES:
            names = known.target_names
            return OutputSummary(
                values={name: numbers([output["values"][name] for output in outputs]) for name in names}
            )


def _shares(known: Outputs, counts: Mapping[str, int], records: int) -> dict[str, float]:
    return {label: rounded(counts.get(label, 0) / records) for label in known.labels or ()}


def numbers(values: Sequence[float]) -> Numbers:
    """Summarize numbers in quantile bins; bins that are empty because of ties are left out."""
    cuts = quantiles(values, n=_BINS, method="inclusive") if len(values) > 1 else list(values)
    edges = sorted({rounded(cut) for cut in cuts})
    counts = Counter(bisect_left(edges, value) for value in values)
    return Numbers(
        count=len(values),
        mean=rounded(fmean(values)),
        std=rounded(pstdev(values)),
        min=rounded(min(values)),
        max=rounded(max(values)),
        edges=tuple(edges),
        shares=tuple(rounded(counts[index] / len(values)) for index in range(len(edges) + 1)),
    )


def categories(values: Sequence[str]) -> Categories:
    """Summarize categorical values."""
    common = Counter(values).most_common(_CATEGORIES)
    shares = {value: rounded(count / len(values)) for value, count in common}
    return Categories(count=len(values), shares=shares, other=rounded(max(0.0, 1 - math.fsum(shares.values()))))


def category_of(value: Scalar) -> str:
    """The text that stands for a value in `Categories`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def rounded(value: float) -> float:
    """Round to six significant digits: enough for drift, and readable."""
    return float(f"{value:.{_DIGITS}g}")
