"""Turn a group's many small files of past days into one Parquet file a day."""

from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import numpy as np

from slipway.config import FeatureGroupConfig
from slipway.features.history.arrow import pyarrow, read_history
from slipway.features.history.files import LINES, PARQUET, HistoryFiles, digest, group_folder

_DATE = "date="


@dataclass(frozen=True, slots=True)
class Compacted:
    """One day: its rows, and the files that its Parquet file replaces."""

    day: str
    rows: int
    files: int


def compact_days(files: HistoryFiles, group: str, config: FeatureGroupConfig, before: date) -> list[Compacted]:
    """Compact each day before ``before`` (UTC) that has files of lines; running it again changes nothing.

    A row that the stream delivered twice is kept once. The files that a day had are deleted after its new one is
    stored, so that a run that stops halfway leaves rows twice, which no join minds.

    Raises:
        InputError: pyarrow is not installed, or a file is not a history of these features.
        UnavailableError: a file cannot be read, stored or deleted.
    """
    done = []
    for day in _days(files.keys(f"{group_folder(group)}{LINES}/{_DATE}")):
        if day < before.isoformat():
            done.append(_compact(files, group, config, day))
    return done


def _days(keys: list[str]) -> list[str]:
    return sorted({key.split(f"/{_DATE}")[1].partition("/")[0] for key in keys})


def _compact(files: HistoryFiles, group: str, config: FeatureGroupConfig, day: str) -> Compacted:
    folders = [f"{kind}/{_DATE}{day}/" for kind in (LINES, PARQUET)]
    old = [key for folder in folders for key in files.keys(group_folder(group) + folder)]
    # Strict, since a feature that slipway.yaml no longer has would be lost.
    tables = [read_history(files, group, config.features, folder, strict=True) for folder in folders]
    table = _distinct(pyarrow().concat_tables(tables))
    content = _as_parquet(table)
    key = f"{group_folder(group)}{PARQUET}/{_DATE}{day}/{digest(content)}.parquet"
    files.put(key, content)
    files.delete([each for each in old if each != key])
    return Compacted(day, table.num_rows, len(old))


def _distinct(table: Any) -> Any:
    """The rows by id and sequence, each once, which is also the order that compresses best."""
    names = ["id", "sequence", "written_at", "event_time"]
    ordered = table.sort_by([(name, "ascending") for name in names]).combine_chunks()
    if not ordered.num_rows:
        return ordered
    columns = [ordered[name].to_numpy() for name in ("id", "sequence", "written_at")]
    first = np.ones(ordered.num_rows, bool)
    first[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return ordered.filter(pyarrow().array(first))


def _as_parquet(table: Any) -> bytes:
    from pyarrow import parquet

    content = BytesIO()
    parquet.write_table(table, content, compression="zstd")
    return content.getvalue()
