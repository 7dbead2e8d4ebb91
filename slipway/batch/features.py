"""The features of rows that name entities: from the online store, or from history as they were at each row's time."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from slipway.config import FeatureValue
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.arrow import arrow_type
from slipway.features.history.files import HistoryFiles
from slipway.features.history.joining import Longs
from slipway.features.history.training import GroupHistory, Wanted
from slipway.features.store import FeatureKey, FeatureStore

if TYPE_CHECKING:
    import pyarrow

Features = Mapping[str, FeatureValue]


class FeaturesFrom(StrEnum):
    """Where a job reads the features that its rows do not have."""

    NONE = "none"
    STORE = "store"
    HISTORY = "history"


class GroupRows(Protocol):
    """The features of one group for some rows, in order; the defaults of slipway.yaml stand for missing ones."""

    def column(self, name: str) -> "pyarrow.Array | None":
        """One feature of all rows; None if its values are of several types."""
        ...

    def row(self, at: int) -> Features:
        """The features that a row has."""
        ...


class FeatureReader(Protocol):
    """Reads features for many rows at once."""

    def read(self, group: str, ids: "pyarrow.StringArray", times: Longs) -> GroupRows:
        """The features of a group for each id, and for each time (milliseconds since 1970) where time matters.

        Raises:
            InputError: a history is not one of these features.
            UnavailableError: the store or the history cannot be read.
        """
        ...


class StoreReader:
    """Reads the online store, each entity of a table once; up to 100 of them take one round trip."""

    def __init__(self, store: FeatureStore, definitions: FeatureDefinitions) -> None:
        self._store = store
        self._definitions = definitions

    def read(self, group: str, ids: "pyarrow.StringArray", times: Longs) -> GroupRows:  # noqa: ARG002 - it knows today
        encoded = ids.dictionary_encode()
        entity, defaults = self._definitions.entities[group], self._definitions.defaults(group)
        keys = [FeatureKey(entity, id_, group) for id_ in encoded.dictionary.to_pylist()]
        found = self._store.read(keys)
        rows = [{**defaults, **found[key].values} if key in found else defaults for key in keys]
        types = {name: feature.type for name, feature in self._definitions.groups[group].features.items()}
        return _StoredRows(rows, encoded.indices, {name: arrow_type(kind) for name, kind in types.items()})


class _StoredRows:
    """`GroupRows` in which rows of one entity share their features."""

    def __init__(self, rows: Sequence[Features], places: "pyarrow.Array", types: Mapping[str, Any]) -> None:
        self._rows = rows
        self._places = places
        self._types = types

    @cached_property
    def _row_places(self) -> list[int]:
        found: list[int] = self._places.to_pylist()
        return found

    def column(self, name: str) -> "pyarrow.Array | None":
        import pyarrow as pa

        try:
            values = pa.array([row.get(name) for row in self._rows], self._types.get(name, pa.null()))
        except pa.ArrowException:  # a row from before slipway.yaml changed the feature's type
            return None
        return values.take(self._places)

    def row(self, at: int) -> Features:
        return self._rows[self._row_places[at]]


class HistoryReader:
    """Reads histories, each group's whole into memory when it is first needed."""

    def __init__(self, files: HistoryFiles, definitions: FeatureDefinitions) -> None:
        self._files = files
        self._definitions = definitions
        self._groups: dict[str, GroupHistory] = {}

    def read(self, group: str, ids: "pyarrow.StringArray", times: Longs) -> GroupRows:
        if group not in self._groups:
            self._groups[group] = GroupHistory(group, self._definitions, self._files, Wanted((group,)))
        return _HistoryRows(self._groups[group].columns(ids, times)[0])


class _HistoryRows:
    """`GroupRows` by column."""

    def __init__(self, columns: Mapping[str, "pyarrow.Array"]) -> None:
        self._columns = columns

    @cached_property
    def _values(self) -> dict[str, list[Any]]:
        return {name: column.to_pylist() for name, column in self._columns.items()}

    def column(self, name: str) -> "pyarrow.Array | None":
        import pyarrow as pa

        if name in self._columns:
            return self._columns[name]
        [first, *_] = self._columns.values()
        return pa.nulls(len(first))

    def row(self, at: int) -> Features:
        return {name: column[at] for name, column in self._values.items() if column[at] is not None}
