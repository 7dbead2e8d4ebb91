"""Feature files to read in tests: their definitions, a writer of each format, and their rows."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import read_file

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)


def group(entity: str, **features: FeatureType) -> FeatureGroupConfig:
    return FeatureGroupConfig(entity=entity, features={name: FeatureConfig(type=t) for name, t in features.items()})


DEFINITIONS = FeatureDefinitions(
    {
        "profile": group("user", name=FeatureType.STRING, visits=FeatureType.INTEGER, member=FeatureType.BOOLEAN),
        "money": group("user", spend=FeatureType.FLOAT, currency=FeatureType.STRING),
        "stock": group("item", price=FeatureType.FLOAT, currency=FeatureType.STRING),
    }
)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = [",".join(rows[0]), *(",".join("" if v is None else str(v) for v in row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


WRITERS = {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}


def read(path: Path) -> list[tuple[int, Any]]:
    """The rows of a file, with problems as ``column: message``."""
    rows = read_file(path, DEFINITIONS, NOW)
    return [(position.number, str(row) if isinstance(row, InputError) else row) for position, row in rows]


def read_text(path: Path, text: str) -> list[tuple[int, Any]]:
    path.write_text(text, encoding="utf-8")
    return read(path)
