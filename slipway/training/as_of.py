"""The features of examples from the history: as the store would have answered at the time of each prediction."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.arrow import pyarrow
from slipway.features.history.files import HistoryFiles
from slipway.features.history.training import Joined, Wanted, join_features
from slipway.models.manifest import Manifest, Record
from slipway.training.ports import Example, Examples
from slipway.training.run import Run

_TIME = "time"


class WithHistory:
    """`Examples` whose features of the feature store come from the history instead of what was served.

    All features of a group that the model reads are added, so that a recipe may use more than the version before. A
    record that names no entity of a group keeps what was served.

    Args:
        examples: the examples as they were served.
        files: the histories.
        definitions: the feature groups of slipway.yaml.
        manifest: that of the version that serves.
    """

    def __init__(
        self, examples: Examples, files: HistoryFiles, definitions: FeatureDefinitions, manifest: Manifest
    ) -> None:
        self._examples = examples
        self._files = files
        self._definitions = definitions
        self._groups = tuple(dict.fromkeys(field.group for field in manifest.inputs if field.group is not None))

    def examples(self, run: Run) -> Iterable[Example]:
        found = list(self._examples.examples(run))
        for group in self._groups:
            found = list(self._joined(found, group))
        return found

    def _joined(self, examples: Sequence[Example], group: str) -> Iterator[Example]:
        entity = self._definitions.group(group).entity
        named = [example for example in examples if entity in example.entities]
        rows = iter(self._rows(named, group, entity))
        for example in examples:
            yield replace(example, record={**example.record, **next(rows)}) if entity in example.entities else example

    def _rows(self, named: Sequence[Example], group: str, entity: str) -> list[Record]:
        from pyarrow import parquet

        if not named:
            return []
        pa, wanted = pyarrow(), Wanted((group,), _TIME, {entity: entity})
        table = pa.table(
            {
                entity: pa.array([example.entities[entity] for example in named], pa.string()),
                _TIME: pa.array([example.time for example in named], pa.timestamp("ms", "UTC")),
            }
        )
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            path = Path(folder) / "entities.parquet"
            parquet.write_table(table, path)
            pieces = list(join_features(path, self._files, self._definitions, wanted, Joined()))
        return [row for piece in pieces for row in _features(piece, group, self._definitions)]


def _features(piece: Any, group: str, definitions: FeatureDefinitions) -> list[Record]:
    """The rows of a joined table by the features' own names; one that is also a column here has the group before it."""
    names = list(definitions.group(group).features)
    columns = [joined if (joined := f"{group}.{name}") in piece.column_names else name for name in names]
    values = [piece.column(column).to_pylist() for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
