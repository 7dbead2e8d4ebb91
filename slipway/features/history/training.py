"""Join the features of several groups to a file of entities and times, as the store would have answered then."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.arrow import FEATURES, arrow_type, pyarrow, read_history
from slipway.features.history.entities import entity_pieces, ids_of, times_of
from slipway.features.history.files import HistoryFiles
from slipway.features.history.joining import MISSING, AsOf, Longs, PointInTime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to join.

    Attributes:
        groups: the feature groups.
        time: the column with each row's time.
        columns: the column with the ids of each entity, where it is not named after the entity.
        as_of: which time of a write decides whether it is seen.
        defaults: whether missing features get their defaults, as in predictions.
        times: whether each group's event and write times become columns, too.
    """

    groups: tuple[str, ...]
    time: str = "time"
    columns: Mapping[str, str] | None = None
    as_of: AsOf = AsOf.WRITE
    defaults: bool = True
    times: bool = False


class GroupHistory:
    """The history of one group, ready for lookups."""

    def __init__(self, name: str, definitions: FeatureDefinitions, files: HistoryFiles, wanted: Wanted) -> None:
        config = definitions.group(name)
        self.name, self.entity, self.features = name, config.entity, config.features
        self._table = read_history(files, name, config.features)
        self._join = PointInTime(self._table, wanted.as_of)
        pa = pyarrow()
        whole = pa.concat_arrays(self._table[FEATURES].chunks)
        self._columns = dict(zip((field.name for field in whole.type), whole.flatten(), strict=True))
        self._defaults = definitions.defaults(name) if wanted.defaults else {}
        self._times = wanted.times

    @property
    def rows(self) -> int:
        """The number of changes in the history."""
        return int(self._table.num_rows)

    def columns(self, ids: Any, times: Longs) -> tuple[dict[str, Any], int]:
        """The features, by name, for each id and time; and the number of rows that the store would not have had."""
        from pyarrow import compute

        pa, places = pyarrow(), self._join.find(ids, times)
        missing = places == MISSING
        at = pa.array(np.where(missing, 0, places), mask=missing)
        found = {name: column.take(at) for name, column in self._columns.items()}
        for name, default in self._defaults.items():
            value = pa.scalar(default, arrow_type(self.features[name].type))
            found[name] = compute.fill_null(found[name], value)
        if self._times:
            moment = pa.timestamp("ms", "UTC")
            for name in ("event_time", "written_at"):
                found[f"{self.name}.{name}"] = self._table[name].combine_chunks().take(at).cast(moment)
        return found, int(missing.sum())


@dataclass(slots=True)
class Joined:
    """What was joined: rows, and of each group the changes that were read and the rows without features."""

    rows: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)


def join_features(
    entities: Path, files: HistoryFiles, definitions: FeatureDefinitions, wanted: Wanted, joined: Joined
) -> Iterator[Any]:
    """The file's rows with the features of ``wanted`` as tables of at most a million rows, in the file's order.

    A feature's column has its name; `group.feature` where another column has that. ``joined`` counts along.

    Raises:
        InputError: the file lacks a column, or a record has no id or time; a history is not one of these features.
        NotFoundError: slipway.yaml does not define a group.
        UnavailableError: a file of the history cannot be read.
    """
    groups = [GroupHistory(name, definitions, files, wanted) for name in dict.fromkeys(wanted.groups)]
    joined.changes = {group.name: group.rows for group in groups}
    joined.missing = dict.fromkeys(joined.changes, 0)
    for piece in entity_pieces(entities):
        yield _join_piece(piece, groups, wanted, joined)
        joined.rows += piece.num_rows


def _join_piece(piece: Any, groups: list[GroupHistory], wanted: Wanted, joined: Joined) -> Any:
    first = joined.rows + 1
    times = times_of(piece, wanted.time, first=first)
    names = [name for group in groups for name in group.features]
    for group in groups:
        column = (wanted.columns or {}).get(group.entity, group.entity)
        found, missing = group.columns(ids_of(piece, column, first=first), times)
        joined.missing[group.name] += missing
        for name, values in found.items():
            clear = names.count(name) <= 1 and name not in piece.column_names
            piece = piece.append_column(_free(name if clear else f"{group.name}.{name}", piece), values)
    return piece


def _free(name: str, piece: Any) -> str:
    if name in piece.column_names:
        raise InputError.of(name, "is a column of the file already; rename it there")
    return name
