"""A model inside an application: `load` a package, `predict` records in this process."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError, PackageError
from slipway.models.manifest import InputField, Manifest, Record
from slipway.models.measurements.golden import prove
from slipway.models.package import MANIFEST, checking_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Output
from slipway.models.schema import RequestRecord, record_model


class Model:
    """One version of a model, loaded by `load`. Safe to use from several threads; not to be carried over a fork."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._record = whole_record_model(predictor.manifest)

    def __repr__(self) -> str:
        return f"<Model {self.name} {self.version}>"

    @property
    def name(self) -> str:
        """The model's name, e.g. ``tweet-sentiment``."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """The version's number, from 1."""
        return self.manifest.version

    @property
    def manifest(self) -> Manifest:
        """All of ``model.yaml``: task, labels, training, quality, and the digest of every file."""
        return self._predictor.manifest

    @property
    def inputs(self) -> tuple[InputField, ...]:
        """The fields of a record, with their types and limits."""
        return self.manifest.inputs

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of one record."""
        return self._record.model_json_schema()

    def predict(self, records: Iterable[Record]) -> list[Output]:
        """Predict all records as one batch.

        Args:
            records: each a value for every input of the manifest, by name. An input with a default may be left out;
                an input of a feature group is given like any other. Values are strict: only an integer may stand for
                another type, a float.

        Returns:
            An output for each record, in order: ``{"label": str, "score": float, "scores": {label: float}}`` of a
            classifier, where scores are probabilities from 0 to 1; ``{"labels": [str], "scores": {label: float}}`` of a
            multi-label one, with the labels over their thresholds; ``{"value": float}`` of a regression, in
            ``manifest.outputs.unit``, or ``{"values": {target: float}}`` of one with several targets; or what the
            version's own task makes. No records give no outputs.

        Raises:
            InputError: a record is wrong, and nothing was predicted; `InputError.problems` names every wrong field,
                as ``[3].text``.
            PredictionError: the graph or the task failed on records that the manifest allows.
        """
        return self._predict(_listed(records), first=0)

    def predict_stream(self, records: Iterable[Record], *, batch_size: int = 32) -> Iterator[Output]:
        """Predict any number of records, ``batch_size`` at a time; no more than that are read ahead.

        Returns:
            An iterator over the outputs, in order, each as `predict` gives it.

        Raises:
            InputError: ``batch_size`` is below 1; or, from the iterator, a record is wrong and nothing of its batch
                was predicted. Records are counted from the start of the stream, as in ``[1003].text``.
            PredictionError: from the iterator, as `predict` does.
        """
        if batch_size < 1:
            raise InputError.of("batch_size", f"must be at least 1 (got {batch_size})")
        _refuse_single(records)
        return self._stream(iter(records), batch_size)

    def _stream(self, records: Iterator[Record], batch_size: int) -> Iterator[Output]:
        first = 0
        while batch := list(islice(records, batch_size)):
            yield from self._predict(batch, first=first)
            first += len(batch)

    def _predict(self, records: list[Record], *, first: int) -> list[Output]:
        return self._predictor.predict(self._validated(records, first))

    def _validated(self, records: list[Record], first: int) -> list[Record]:
        whole: list[Record] = []
        problems: list[FieldProblem] = []
        for number, record in enumerate(records, first):
            try:
                whole.append(_read(self._record, record).complete())
            except ValidationError as error:
                problems += field_problems(error, prefix=f"[{number}]")
        if problems:
            raise InputError(problems)
        return whole


def load(
    path: str | os.PathLike[str], *, threads: int = 1, task_modules: Iterable[str] = (), verify: bool = False
) -> Model:
    """Load one version of a model into this process.

    Args:
        path: the folder of the version, e.g. ``models/tweet-sentiment/3``: one that a project holds, or one that
            ``slipway model pull`` has fetched from the registry.
        threads: how many threads one prediction may use, from 1. Applications that predict from several threads
            are fastest with 1.
        task_modules: the modules whose classes a manifest may name as its task. Importing a module runs its code.
        verify: have the version prove itself: answer its golden records, and compare. It must have some.

    Raises:
        GoldenError: with ``verify``, an answer differs from the expected one by more than the tolerance.
        PackageError: a file is missing, altered, malformed or unlisted, the graph differs from the manifest, or its
            task is not in ``task_modules``; or with ``verify``, it has no golden records. `PackageError.file` names the
            file.
        InputError: ``threads`` is below 1.
    """
    if threads < 1:
        raise InputError.of("threads", f"must be at least 1 (got {threads})")
    folder = Path(path)
    _refuse_folder_of_versions(folder)
    with checking_package(folder) as package:
        predictor = Predictor(package, threads=threads, task_modules=tuple(task_modules))
        if verify:
            prove(predictor, required=True)
        return Model(predictor)


def whole_record_model(manifest: Manifest) -> type[RequestRecord]:
    """The records that an application sees: with no feature store, every input comes with the record."""
    inputs = tuple(field.model_copy(update={"group": None}) for field in manifest.inputs)
    return record_model(manifest.model_copy(update={"inputs": inputs}), {}, text_characters=None)


def _read(model: type[RequestRecord], record: Record) -> RequestRecord:
    return model.model_validate(dict(record) if isinstance(record, Mapping) else record)


def _listed(records: Iterable[Record]) -> list[Record]:
    _refuse_single(records)
    return list(records)


def _refuse_single(records: Iterable[Record]) -> None:
    """Without this, the keys of a lone record or the letters of a text would be taken for records."""
    if isinstance(records, Mapping):
        raise InputError.of("(records)", "must be a list of records; for one record, predict([record])[0]")
    if isinstance(records, str | bytes) or not isinstance(records, Iterable):
        raise InputError.of("(records)", f"must be a list of records (got {type(records).__name__})")


def _refuse_folder_of_versions(folder: Path) -> None:
    if (folder / MANIFEST).exists() or not folder.is_dir():
        return
    versions = sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())
    if versions:
        listed = ", ".join(map(str, versions))
        raise PackageError(folder, f"holds versions ({listed}); load one, e.g. {folder / str(versions[-1])}")
