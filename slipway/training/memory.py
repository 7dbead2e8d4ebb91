"""Training state that any recipe can keep: the rows that versions before it learned from, the older the less."""

from typing import Any

import numpy as np

from slipway.training.dataset import ID, TIME, WEIGHT, DataSet
from slipway.training.draft import Draft
from slipway.training.recipe import Parent

MEMORY = "memory.parquet"
_DAY_MS = 24 * 3600 * 1000


def with_memory(train: Any, parent: Parent | None, *, half_life_days: float) -> Any:
    """The rows to train on, with those that the parent remembers before them, each once.

    A row counts half as much for each ``half_life_days`` that it is older than the newest; without a parent, and for a
    parent without memory, the rows are returned as they are. Remembered rows newer than all of ``train`` are left out:
    they may be in the slice on which the gates judge, if runs are closer together than that slice is long.

    Args:
        train: rows of a data set, as a pyarrow table.
        parent: the version to go on from.
        half_life_days: how fast old rows are forgotten.
    """
    from pyarrow import compute

    remembered = _remembered(parent)
    if remembered is None:
        return train
    old = compute.less_equal(remembered[TIME], compute.max(train[TIME]))
    whole = _joined(remembered.filter(old), train)
    ages = _days_before_the_newest(whole)
    weights = whole[WEIGHT].to_numpy() * 0.5 ** (ages / half_life_days)
    at = whole.column_names.index(WEIGHT)
    return whole.set_column(at, WEIGHT, [weights])


def remember(data: DataSet, draft: Draft, parent: Parent | None, *, most: int) -> None:
    """Keep the newest ``most`` rows of the data, and of what the parent remembers, as training state of the draft.

    Those of the newest slice are among them: the next version may learn from what this one was judged on.
    """
    from pyarrow import parquet

    remembered, whole = _remembered(parent), data.table()
    if remembered is not None:
        whole = _joined(remembered, whole)
    parquet.write_table(whole.slice(max(0, whole.num_rows - most)), draft.state / MEMORY, compression="zstd")


def _remembered(parent: Parent | None) -> Any:
    from pyarrow import parquet

    if parent is None or parent.state is None or not (parent.state / MEMORY).is_file():
        return None
    return parquet.read_table(parent.state / MEMORY)


def _joined(remembered: Any, rows: Any) -> Any:
    """Both tables by time, without the remembered rows that are among the others; columns that one lacks are null."""
    import pyarrow as pa
    from pyarrow import compute

    again = compute.is_in(remembered[ID], value_set=rows[ID].combine_chunks())
    both = pa.concat_tables([remembered.filter(compute.invert(again)), rows], promote_options="default")
    return both.sort_by([(TIME, "ascending"), (ID, "ascending")])


def _days_before_the_newest(rows: Any) -> Any:
    from pyarrow import int64

    times = rows[TIME].cast(int64()).to_numpy().astype(np.float64)
    return (times.max() - times) / _DAY_MS
