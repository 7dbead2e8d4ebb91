"""Takes an entity out of the history's Parquet files, with pyarrow where it is installed."""

from io import BytesIO
from typing import Any

from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.erasure.split import Split, UnreadableError

_COLUMNS = ("entity", "id")


def split_parquet(content: bytes, subject: Subject) -> Split:
    """Return the file without the rows of an entity.

    Raises:
        UnreadableError: it is not a file of a history, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise UnreadableError("pyarrow is not installed; run `pip install 'slipway[parquet]'`") from error
    try:
        table = pa.parquet.read_table(BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(str(error)) from error
    if not set(_COLUMNS) <= set(table.column_names):
        raise UnreadableError(f"it lacks one of the columns {', '.join(_COLUMNS)}")
    compute: Any = pa.compute  # its functions are made at run time
    values = dict(zip(_COLUMNS, subject, strict=True))
    is_its = [compute.equal(table[column], value) for column, value in values.items()]
    mask = compute.fill_null(compute.and_(*is_its), False)  # noqa: FBT003 - pyarrow's signature
    taken = table.filter(mask).num_rows
    if not taken:
        return Split(content)
    left = BytesIO()
    pa.parquet.write_table(table.filter(compute.invert(mask)), left, compression="zstd")
    return Split(left.getvalue(), [dict(values) for _ in range(taken)])
