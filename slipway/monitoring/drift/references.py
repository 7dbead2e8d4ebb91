"""What each column is compared with: the version's baseline, or a window that was acknowledged as the new normal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Protocol

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import InputError
from slipway.monitoring.drift.effects import shares_of
from slipway.monitoring.profiles.bins import Bins
from slipway.monitoring.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The shares of a column that are normal since somebody said so.

    ``cells`` are those of the bins that were counted into. ``count`` is the number of independent records that the
    shares are worth. The window had ``records``, from ``start`` to ``end``.
    """

    cells: tuple[str, ...]
    shares: tuple[float, ...]
    count: float
    records: int
    start: datetime
    end: datetime


References = Mapping[str, Acknowledged]
"""What was acknowledged of a version, by column."""


class ReferenceReader(Protocol):
    """Reads what was acknowledged."""

    def read(self, model: str, version: int) -> References:
        """The acknowledged columns of a version; raises UnavailableError."""
        ...


class NothingAcknowledged:
    """A `ReferenceReader` of versions that are compared with their baselines."""

    def read(self, model: str, version: int) -> References:  # noqa: ARG002
        return {}


def compared_with(bins: Bins, references: References, *, records: int) -> Bins:
    """The bins of a column with the shares that it is compared with, and the number of records these are worth.

    Args:
        bins: the baseline's.
        references: what was acknowledged; shares over other cells do not count any more.
        records: those of the baseline, since the pieces of one text are not independent.
    """
    found = references.get(bins.column)
    if found is None or found.cells != bins.cells:
        return replace(bins, count=min(bins.count, records))
    return replace(bins, expected=found.shares, count=max(1, int(found.count)))


def acknowledge(bins: Sequence[Bins], window: Sequence[Profile]) -> dict[str, Acknowledged]:
    """The profiles of a window as the new normal of these columns; columns without records are left out.

    The shares of hours that depend on each other are worth fewer records than there are: as many independent ones as
    would vary as much as the hours do.
    """
    made = {}
    start, end = min(each.start for each in window), max(each.end for each in window)
    for each in bins:
        counts = np.array([profile.counts.get(each.column, (0,) * len(each.cells)) for profile in window], dtype=float)
        if counts.sum() > 0:
            shares = tuple(float(share) for share in shares_of(counts.sum(axis=0)))
            made[each.column] = Acknowledged(
                each.cells, shares, independent_records(counts), int(counts.sum()), start, end
            )
    return made


def independent_records(counts: np.typing.NDArray[np.float64]) -> float:
    """The independent records that vary as the mean shares of periods do, from counts of shape [periods, cells].

    It is the variance of one record over that of the weighted mean, which is estimated between the periods (the ratio
    estimator of W. G. Cochran, Sampling Techniques, 1977). A single period may be one client's, and is worth 1.
    """
    records = counts.sum(axis=-1)
    counted = counts[records > 0]
    periods, total = len(counted), records.sum()
    if periods < 2:
        return 1.0
    mean = counted.sum(axis=0) / total
    residuals = counted - counted.sum(axis=-1, keepdims=True) * mean
    between = periods / (periods - 1) * float((residuals**2).sum()) / total**2
    alone = float((mean * (1 - mean)).sum())
    return float(total) if between <= 0 else float(min(max(alone / between, 1.0), total))


class _Column(BaseModel):
    model_config = ConfigDict(extra="ignore")

    cells: tuple[str, ...]
    shares: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    count: Annotated[float, Field(ge=1)]
    records: Annotated[int, Field(ge=1)]
    start: AwareDatetime
    end: AwareDatetime


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: int = 1
    columns: dict[str, _Column] = {}


def dump_references(references: References) -> bytes:
    """Serialize to JSON."""
    columns = {
        name: _Column(
            cells=each.cells,
            shares=each.shares,
            count=each.count,
            records=each.records,
            start=each.start,
            end=each.end,
        )
        for name, each in references.items()
    }
    return _Document(columns=columns).model_dump_json().encode()


def load_references(content: bytes, name: str) -> References:
    """Parse the output of `dump_references`; raises InputError that names ``name`` for anything else."""
    try:
        found = _Document.model_validate_json(content)
    except ValidationError as error:
        problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
        raise InputError.of(name, f"is not a list of acknowledged columns: {problems}") from error
    return {
        column: Acknowledged(each.cells, each.shares, each.count, each.records, each.start, each.end)
        for column, each in found.columns.items()
    }
