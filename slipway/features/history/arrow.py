"""Read the files of a history as Arrow tables, by pyarrow, which is an optional extra."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from slipway.config import FeatureConfig, FeatureType
from slipway.errors import InputError
from slipway.features.history.files import HistoryFiles, group_folder, unpacked

_READERS = 8
_AT_ONCE = 64  # files that are held in memory
_CHUNK = 64 * 1024 * 1024  # of text that is parsed at a time
_BLOCK = 16 * 1024 * 1024  # the longest line; a row has at most 400 KB
FEATURES = "features"


def pyarrow() -> Any:
    """The library; raises InputError, which says how to install it."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise InputError.of("pyarrow", "joining histories needs it: pip install 'slipway[parquet]'") from error
    return pa


def arrow_type(kind: FeatureType) -> Any:
    """The Arrow type of a feature."""
    pa = pyarrow()
    types = {
        FeatureType.STRING: pa.string(),
        FeatureType.INTEGER: pa.int64(),
        FeatureType.FLOAT: pa.float64(),
        FeatureType.BOOLEAN: pa.bool_(),
    }
    return types[kind]


def history_schema(features: Mapping[str, FeatureConfig]) -> Any:
    """The columns of a history of these features."""
    pa = pyarrow()
    texts, numbers = ("entity", "id", "change", "sequence"), ("written_at", "event_time", "expires_at")
    values = pa.struct([(name, arrow_type(feature.type)) for name, feature in features.items()])
    columns = [*((name, pa.string()) for name in texts), *((name, pa.int64()) for name in numbers)]
    return pa.schema([*columns, (FEATURES, values)])


def read_history(
    files: HistoryFiles, group: str, features: Mapping[str, FeatureConfig], prefix: str = "", *, strict: bool = False
) -> Any:
    """The history of a group as one table, a row for each change, in no order; some rows may be there twice.

    Args:
        prefix: of the keys below the group's folder, such as ``lines/``; by default all.
        strict: refuse features that are not among ``features``, which otherwise are left out.

    Raises:
        InputError: pyarrow is not installed, or a file does not hold a history of these features.
        UnavailableError: a file cannot be read.
    """
    pa = pyarrow()
    schema = history_schema(features)
    keys = files.keys(group_folder(group) + prefix)
    tables = [schema.empty_table()]
    with ThreadPoolExecutor(_READERS, thread_name_prefix="history") as pool:
        for where, text in _texts(files, [key for key in keys if key.endswith(".jsonl.gz")], pool):
            tables.append(_parsed(text, schema, where, strict=strict))
        for key in keys:
            if key.endswith(".parquet"):
                tables.append(_parquet(files.read(key), schema, key, strict=strict))
    return pa.concat_tables(tables)


def _texts(files: HistoryFiles, keys: list[str], pool: ThreadPoolExecutor) -> Iterator[tuple[str, bytes]]:
    """The texts of many small files, joined to some 64 MB, each under the key of its first file."""
    parts: list[bytes] = []
    first = ""
    for start in range(0, len(keys), _AT_ONCE):
        batch = keys[start : start + _AT_ONCE]
        for key, content in zip(batch, pool.map(lambda key: unpacked(files.read(key), key), batch), strict=True):
            first = first if parts else key
            parts.append(content)
            if sum(map(len, parts)) >= _CHUNK:
                yield first, b"".join(parts)
                parts = []
    if parts:
        yield first, b"".join(parts)


def _parsed(text: bytes, schema: Any, where: str, *, strict: bool) -> Any:
    pa = pyarrow()
    from pyarrow import json

    if not text.strip():
        return schema.empty_table()
    parsing = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer" if strict else "ignore")
    try:
        table = json.read_json(BytesIO(text), json.ReadOptions(block_size=_BLOCK), parsing)
        if strict:
            _require_only(table, schema)
        return table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise InputError.of(where, f"is not a history of the features of slipway.yaml: {error}") from error


def _parquet(content: bytes, schema: Any, where: str, *, strict: bool) -> Any:
    pa = pyarrow()
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(content))
        if strict:
            _require_only(table, schema)
        place, values = table.schema.get_field_index(FEATURES), _as_struct(table[FEATURES], schema.field(FEATURES).type)
        return table.set_column(place, FEATURES, values).select(schema.names).cast(schema)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise InputError.of(where, f"is not a history of the features of slipway.yaml: {error}") from error


def _require_only(table: Any, schema: Any) -> None:
    others = _names(table[FEATURES].type) - _names(schema.field(FEATURES).type)
    if others:
        raise ValueError(f"it has {', '.join(sorted(others))}, too, which would be lost")


def _names(struct: Any) -> set[str]:
    return {field.name for field in struct}


def _as_struct(column: Any, wanted: Any) -> Any:
    """A struct with the wanted features: those that the file lacks are missing, others are left out."""
    pa = pyarrow()
    whole = pa.concat_arrays(column.chunks or [pa.array([], column.type)])
    names = _names(whole.type)
    children = [
        whole.field(field.name).cast(field.type) if field.name in names else pa.nulls(len(whole), field.type)
        for field in wanted
    ]
    return pa.StructArray.from_arrays(children, fields=list(wanted), mask=whole.is_null())
