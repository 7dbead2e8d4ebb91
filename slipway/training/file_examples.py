"""The labelled records of a file as examples."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from slipway.errors import InputError
from slipway.features.event_times import read_moment
from slipway.models.gates.labelled import read_labelled
from slipway.models.manifest import Manifest, Record
from slipway.models.prediction.labels import Truth
from slipway.records.cells import finite_number
from slipway.records.files import open_records
from slipway.records.rows import Row, readable
from slipway.training.ports import Example
from slipway.training.run import Run

TIME, ID, PROBABILITY = "time", "id", "probability"


class FileExamples:
    """The `Examples` of a CSV, TSV, JSON Lines or Parquet file, which is read once.

    It has every input, the true answers as `read_labelled` takes them, and each record's ``time``. A column ``id``
    names the predictions, which are otherwise numbered; ``probability`` is that with which a record was drawn for its
    label.

    Args:
        path: the file.
        manifest: that of the version that serves.
        entities: the columns with the ids of entities, by entity, for features from the history. With them, the file
            need not have the features of the feature store.

    Raises:
        InputError: the file cannot be read, or a record lacks an input, its answer or its time.
    """

    def __init__(self, path: Path, manifest: Manifest, entities: Mapping[str, str] | None = None) -> None:
        labelled = read_labelled(path, _without_features(manifest) if entities else manifest)
        with open_records(path) as records:
            rows = readable(records)
        self._examples = [
            _example(path.name, row, record, true, entities or {})
            for row, record, true in zip(rows, labelled.records, labelled.labels, strict=True)
        ]

    def examples(self, run: Run) -> Iterator[Example]:
        """Those of the run's window."""
        return (each for each in self._examples if run.window.since <= each.time < run.window.until)

    @property
    def newest(self) -> datetime:
        """The time of the newest record."""
        return max(example.time for example in self._examples)


def _without_features(manifest: Manifest) -> Manifest:
    """The manifest whose features of the feature store may be missing."""
    inputs = (field.model_copy(update={"nullable": True}) if field.group else field for field in manifest.inputs)
    return manifest.model_copy(update={"inputs": tuple(inputs)})


def _example(file: str, row: Row, record: Record, true: Truth, entities: Mapping[str, str]) -> Example:
    place = f"{file} {row.position}"
    try:
        time = read_moment(row.values.get(TIME))
    except ValueError as error:
        raise InputError.of(f"{place}, {TIME}", str(error)) from error
    identifier = row.values.get(ID)
    return Example(
        id=str(identifier) if identifier is not None else f"{file}#{row.position.number}",
        time=time,
        record=record,
        true=true,
        weight=_weight(row, place),
        entities={
            entity: str(row.values[column])
            for entity, column in entities.items()
            if row.values.get(column) not in (None, "")
        },
    )


def _weight(row: Row, place: str) -> float:
    if (value := row.values.get(PROBABILITY)) is None:
        return 1.0
    probability = finite_number(value)
    if probability is None or not 0 < probability <= 1:
        raise InputError.of(f"{place}, {PROBABILITY}", f"must be more than 0 and at most 1 (got {value})")
    return 1 / probability
