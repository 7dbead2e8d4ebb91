"""The draft of a package that a recipe fills: measured, described and sealed as an import is."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from slipway.config.training import Scalar
from slipway.errors import TrainingError
from slipway.models.importing.importer import import_model
from slipway.models.importing.request import ImportRequest
from slipway.models.manifest import DataSet as NamedData
from slipway.models.manifest import Training
from slipway.models.measurements.golden import GOLDEN, has_golden, read_golden
from slipway.models.package import Package, load_package, seal_package
from slipway.models.registry.versions import RUN
from slipway.training.dataset import KEPT, MOST_RECORDS, DataSet, thinned
from slipway.training.registering import lineage_of
from slipway.training.run import Run

if TYPE_CHECKING:
    from slipway.models.compression.quantize import Quantizing

_SECONDS = 0.2  # of measuring latency, which the gates do for themselves


@dataclass(frozen=True, slots=True)
class Draft:
    """Where the result of a run goes, in a folder: the package, and the training state beside it.

    Attributes:
        folder: the folder of the draft.
        run: the run.
        data: its data set, whose newest slice the package is measured on.
        number: the number that the package has until it is registered.
        like: the version that serves, whose inputs, texts and golden records the package takes over, if any.
    """

    folder: Path
    run: Run
    data: DataSet
    number: int
    like: Package | None = None

    @property
    def package(self) -> Path:
        """The folder of the package, which does not exist yet; a recipe may also write its whole package there."""
        return self.folder / "package"

    @property
    def state(self) -> Path:
        """The folder for training state, which exists; it is kept with the version, apart from its package."""
        return self.folder / "state"

    @property
    def checkpoints(self) -> Path:
        """A folder for checkpoints, which exists; another attempt of the same run finds there what this one wrote."""
        return self.folder / "checkpoints"

    @property
    def parameters(self) -> dict[str, Scalar]:
        """`training.parameters` of slipway.yaml."""
        return self.run.parameters

    def from_sklearn(
        self, model: Any, *, seed: int | None = None, description: str | None = None, about: Path | None = None
    ) -> Package:
        """Make the package of a fitted scikit-learn estimator or pipeline, as `slipway model import` does.

        Args:
            model: it is fitted on the data set's columns.
            seed: that of the training, for the manifest.
            description: a sentence on the model; by default that of the version that serves.
            about: the text of the model card on intended use, data and limits.

        Raises:
            InputError: the model cannot be imported.
            CheckFailedError: the graph differs from the model by more than the tolerance.
        """
        columns = getattr(model, "feature_names_in_", None)
        inputs = self._inputs(None if columns is None else [str(column) for column in columns])
        return self._import(
            ImportRequest(sklearn=self.run.recipe, fitted=model, inputs=inputs, **self._described(description, about)),
            seed,
        )

    def from_onnx(
        self,
        graph: Path,
        *,
        answers: str = "probabilities",
        tokenizer: Path | None = None,
        seed: int | None = None,
        description: str | None = None,
        about: Path | None = None,
    ) -> Package:
        """Make the package of an ONNX graph, as `slipway model import --onnx` does; arguments as of `from_sklearn`.

        ``answers`` is what a classifier's graph returns: ``probabilities`` or ``logits``.
        """
        outputs = self.like.manifest.outputs if self.like else None
        request = ImportRequest(
            onnx=graph,
            tokenizer=tokenizer,
            answers=answers,
            task=self.like.manifest.task if self.like else None,
            labels=outputs.labels if outputs else None,
            inputs=self._inputs(None),
            **self._described(description, about),
        )
        return self._import(request, seed)

    def quantize(self, how: "Quantizing", *, max_drop: float = 0.01) -> Package:
        """Quantize the package that is in the draft, as `slipway model quantize` does, measured on the newest slice.

        Raises:
            InputError, MissingExtraError: as `slipway.models.compression.quantize.quantize` does.
            CheckFailedError: the drop exceeds ``max_drop``, whichever nodes stay in float.
        """
        from slipway.models.compression.job import CompressionJob
        from slipway.models.compression.quantize import quantize

        original = self.folder / "original"
        shutil.rmtree(original, ignore_errors=True)
        self.package.rename(original)
        job = CompressionJob(
            load_package(original),
            self._records(),
            self.package,
            self.command,
            max_drop=max_drop,
            seconds=_SECONDS,
            golden=self._golden(),
            in_place=True,
        )
        made = quantize(job, how)
        document = made.package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
        training = self.training(job.original.manifest.training.seed).model_dump(mode="json", exclude_none=True)
        training["parameters"] |= {**made.change.parameters, "max_drop": max_drop}
        return seal_package(self.package, {**document, "training": training})

    @property
    def command(self) -> str:
        """The command that made the package, for its manifest."""
        return f"slipway train start {self.run.model}"

    def training(self, seed: int | None = None) -> Training:
        """How the package was made, for its manifest."""
        run, data = self.run, self.data
        return Training(
            command=self.command,
            data=(NamedData(name=f"labels until {data.until:%Y-%m-%d %H:%M} UTC", rows=data.rows, sha256=data.sha256),),
            seed=seed,
            parameters={RUN: lineage_of(run, data).model_dump(mode="json")},
            git_commit=run.git_commit,
            parent=run.parent,
        )

    def _described(self, description: str | None, about: Path | None) -> dict[str, Any]:
        return {"description": description or (self.like.manifest.description if self.like else None), "about": about}

    def _import(self, request: ImportRequest, seed: int | None) -> Package:
        shutil.rmtree(self.package, ignore_errors=True)
        whole = replace(
            request,
            name=self.run.model,
            version=self.number,
            output=self.package,
            records=self._records(),
            golden=self._golden(),
            label_column=self._label_column(),
            training=self._texts(),
            trained=self.training(seed),
        )
        return import_model(whole).package

    def _inputs(self, columns: Sequence[str] | None) -> Path | None:
        """The inputs as the version that serves states them, so that callers need not change anything."""
        if self.like is None:
            return None
        fields = [field for field in self.like.manifest.inputs if columns is None or field.name in columns]
        stated = [field.model_dump(mode="json", exclude_unset=True) for field in fields]
        path = self.folder / "inputs.yaml"
        path.write_text(yaml.safe_dump(stated, sort_keys=False), encoding="utf-8")
        return path

    def _records(self) -> Path:
        """The newest slice, evenly thinned, as a file of records with their answers."""
        from pyarrow import parquet

        newest = thinned(self.data.validation(), MOST_RECORDS)
        table = newest.drop_columns([name for name in KEPT if name in newest.column_names])
        path = self.folder / f"newest-of-{self.data.sha256[:12]}.parquet"
        parquet.write_table(table, path)
        return path

    def _label_column(self) -> str | None:
        targets = self.like.manifest.outputs.target_names if self.like else ()
        return ",".join(targets) or None

    def _texts(self) -> Path | None:
        """The texts to train on, whose pieces the baseline remembers, so that words that are new are noticed."""
        from pyarrow import parquet

        if self.like is None or self.like.manifest.task != "text-classification":
            return None
        path = self.folder / "texts.parquet"
        parquet.write_table(self.data.train().select([field.name for field in self.like.manifest.inputs]), path)
        return path

    def _golden(self) -> Path | None:
        """The golden records of the version that serves: none of a user's captured records is copied into a package."""
        if self.like is None or not has_golden(self.like.manifest):
            return None
        path = self.folder / "golden.jsonl"
        records = [each.record for each in read_golden(self.like.path(GOLDEN)).records]
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
        return path


def complete(draft: Draft) -> Package:
    """The package that a recipe has left in its draft, with the run's lineage in its manifest.

    Raises:
        TrainingError: there is none, or it is of another model.
        PackageError: it is malformed.
    """
    if not (draft.package / "model.yaml").is_file():
        way_out = f"it must call draft.from_sklearn or draft.from_onnx, or write its package to {draft.package}"
        raise TrainingError(f"{draft.run.recipe} left no package: {way_out}")
    package = load_package(draft.package)
    if package.manifest.name != draft.run.model:
        raise TrainingError(f"{draft.run.recipe} left a package of {package.manifest.name}, not of {draft.run.model}")
    if RUN in package.manifest.training.parameters:
        return package
    document = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
    made = draft.training(package.manifest.training.seed).model_dump(mode="json", exclude_none=True)
    parameters = {**package.manifest.training.parameters, **made["parameters"]}
    return seal_package(draft.package, {**document, "training": {**made, "parameters": parameters}})
