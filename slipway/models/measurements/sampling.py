"""Records to measure with, from a file or made from a package's baseline with its lengths and values."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise

from slipway.config import FeatureType
from slipway.models.manifest import InputField, Record, Scalar
from slipway.models.measurements.baseline import Categories, InputSummary, Numbers, Text
from slipway.models.package import Package

# Plain English, so that it has about as many tokens as real text of the same length.
_PROSE = (
    "The train was late again this morning, so we walked along the river and talked about the match. "
    "I can't believe how good the new album is; everyone at work keeps asking who wrote it! "
    "They said it would rain on Friday, but the sun came out and the whole street was outside. "
    "Nobody likes waiting for an answer that never comes, and yet here we are, three weeks later. "
)


def sample_records(package: Package, count: int = 64) -> list[Record]:
    """``count`` records whose numbers, categories and text lengths cycle through the baseline's quantiles."""
    columns = {
        field.name: list(islice(_maybe_missing(field, package.baseline.inputs.get(field.name)), count))
        for field in package.manifest.inputs
    }
    return [{name: values[index] for name, values in columns.items()} for index in range(count)]


def _maybe_missing(field: InputField, summary: InputSummary | None) -> Iterator[Scalar | None]:
    """The values, of which as many are None as in the baseline, one for every so many values."""
    share = (summary.missing or 0.0) if summary is not None and field.nullable else 0.0
    for number, value in enumerate(_values(field, summary)):
        yield None if int((number + 1) * share) > int(number * share) else value


def _values(field: InputField, summary: InputSummary | None) -> Iterator[Scalar]:
    if field.allowed is not None:
        return cycle(field.allowed)
    match summary:
        case Text(characters=characters):
            return (_prose(max(1, round(length)), start) for start, length in enumerate(cycle(_spread(characters))))
        case Numbers():
            return cycle([_number(field, value) for value in _spread(summary)])
        case Categories(shares=shares) if field.type is FeatureType.BOOLEAN:
            return cycle([name == "true" for name in shares])
        case _:
            return cycle([_anything(field)])


def _spread(numbers: Numbers) -> Sequence[float]:
    """The midpoints of the quantile bins, which are about equally frequent in the data."""
    edges = [numbers.min, *numbers.edges, numbers.max]
    return [(low + high) / 2 for low, high in pairwise(edges)]


def _prose(length: int, start: int) -> str:
    offset = start * 29 % len(_PROSE)
    repeated = _PROSE[offset:] + _PROSE * (length // len(_PROSE) + 1)
    return repeated[:length]


def _number(field: InputField, value: float) -> Scalar:
    return round(value) if field.type is FeatureType.INTEGER else value


def _anything(field: InputField) -> Scalar:
    values: dict[FeatureType, Scalar] = {
        FeatureType.STRING: _prose(min(80, field.max_characters or 80), 0),
        FeatureType.INTEGER: round(field.min or 0),
        FeatureType.FLOAT: field.min or 0.0,
        FeatureType.BOOLEAN: False,
    }
    return values[field.type]
