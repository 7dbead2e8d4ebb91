"""The types of a package's manifest, ``model.yaml``.

They validate its form; `slipway.models.package` checks the files that it lists.
"""

import math
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from slipway.config import FeatureName, FeatureType, Name, VersionNumber

Scalar = str | int | float | bool
Record = Mapping[str, Scalar | None]
"""A whole record: a value for every input of the manifest, by name; None for a nullable one that is missing."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
GitCommit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]

BUILT_IN_TASKS = ("text-classification", "tabular-classification", "tabular-regression")
TaskName = Annotated[
    str,
    StringConstraints(
        pattern=r"^(text-classification|tabular-classification|tabular-regression|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$"
    ),
]
"""A built-in task, or the user's own as ``module:Class``."""


DEFAULT_THRESHOLD = 0.5


class Form(StrEnum):
    """The form of an answer, by the name of its main field: one label or any number, one value or several."""

    LABEL = "label"
    LABELS = "labels"
    VALUE = "value"
    VALUES = "values"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputField(_Part):
    """One value of a record.

    ``group`` names the feature group that holds the value; without it, the value comes with the request. A request
    may also give the value of a grouped field, which is then not read from the store.

    A ``nullable`` field may be missing: null, NaN, absent, or not in the store. The graph gets NaN for it, or an empty
    string.
    """

    name: FeatureName
    type: FeatureType = Field(strict=False)
    description: str = ""
    group: Name | None = None
    min: float | None = None
    max: float | None = None
    allowed: tuple[Scalar, ...] | None = Field(default=None, strict=False, min_length=1)
    max_characters: Annotated[int, Field(ge=1)] | None = None
    default: Scalar | None = None
    nullable: bool = False

    @model_validator(mode="after")
    def _constraints_fit_the_type(self) -> Self:
        numeric = self.type in (FeatureType.INTEGER, FeatureType.FLOAT)
        if not numeric and (self.min is not None or self.max is not None):
            raise ValueError(f"`min` and `max` are for numbers, but {self.name} is a {self.type}")
        if self.type is not FeatureType.STRING and self.max_characters is not None:
            raise ValueError(f"`max_characters` is for strings, but {self.name} is a {self.type}")
        if self.min is not None and self.max is not None and not self.min <= self.max:
            raise ValueError(f"`min: {self.min}` of {self.name} is above its `max: {self.max}`")
        return self


class Target(_Part):
    """One of the values that a regression predicts for a record."""

    name: Annotated[str, Field(min_length=1)]
    unit: str | None = None


class Outputs(_Part):
    """The outputs of a prediction: a classifier's labels or a regression's targets, in the graph's order.

    A classifier answers with one label, or with ``multi_label``, with every label whose own probability is over its
    threshold: that of ``thresholds``, or 0.5. A regression without ``targets`` predicts one value, in ``unit``.
    """

    labels: tuple[str, ...] | None = Field(default=None, strict=False, min_length=2)
    multi_label: bool = False
    thresholds: dict[str, Annotated[float, Field(ge=0, lt=1)]] = {}
    unit: str | None = None
    targets: tuple[Target, ...] | None = Field(default=None, strict=False, min_length=2)

    @model_validator(mode="after")
    def _is_of_one_form(self) -> Self:
        if self.labels is not None and len(set(self.labels)) != len(self.labels):
            raise ValueError("`labels` names a label twice")
        if self.multi_label and self.labels is None:
            raise ValueError("`multi_label` needs `labels`")
        if self.thresholds and not self.multi_label:
            raise ValueError("`thresholds` are for `multi_label: true`")
        if unknown := sorted(self.thresholds.keys() - set(self.labels or ())):
            raise ValueError(f"`thresholds` has {', '.join(unknown)}, which are not among `labels`")
        if self.targets is not None:
            self._require_only_targets(self.targets)
        return self

    def _require_only_targets(self, targets: tuple[Target, ...]) -> None:
        if self.labels is not None:
            raise ValueError("`labels` are a classifier's and `targets` a regression's; give one of them")
        if self.unit is not None:
            raise ValueError("`unit` is for one value; give each of the `targets` its own")
        if len(set(self.target_names)) != len(targets):
            raise ValueError("`targets` names a target twice")

    @property
    def form(self) -> Form:
        """The form of an answer of a built-in task."""
        if self.labels is not None:
            return Form.LABELS if self.multi_label else Form.LABEL
        return Form.VALUE if self.targets is None else Form.VALUES

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of a regression's targets; none if it predicts one value."""
        return tuple(target.name for target in self.targets or ())

    def threshold(self, label: str) -> float:
        """The probability that a label must exceed to be part of a multi-label answer."""
        return self.thresholds.get(label, DEFAULT_THRESHOLD)


class Graph(_Part):
    """The ONNX graph: its file, and the names of its inputs and outputs, in order."""

    file: str
    inputs: tuple[str, ...] = Field(strict=False, min_length=1)
    outputs: tuple[str, ...] = Field(strict=False, min_length=1)


class FileEntry(_Part):
    """One file of the package; its path is relative to the package, with ``/`` between folders."""

    path: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or parts.as_posix() != path or path == "." or "\\" in path:
            raise ValueError(f"{path!r} is not a path inside the package")
        return path


class DataSet(_Part):
    """A file or named data set that a version was trained on."""

    name: str
    rows: Annotated[int, Field(ge=1)]
    sha256: Sha256 | None = None


class Training(_Part):
    """How a version was made, so that it can be reproduced.

    An imported version was trained elsewhere, so it has neither seed nor data, and its parameters hold what is known.
    ``parent`` is the version that it was made from, ``teacher`` the one that it was distilled from, ``MODEL:VERSION``.
    """

    command: str
    data: tuple[DataSet, ...] = Field(default=(), strict=False)
    seed: int | None = None
    parameters: dict[str, Any] = {}
    git_commit: GitCommit | None = None
    parent: VersionNumber | None = None
    teacher: str | None = None


class Measurement(_Part):
    """One quality metric, with the data that it was measured on."""

    metric: str
    value: float
    data: str

    @field_validator("value")
    @classmethod
    def _is_a_number(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value


class Quantization(_Part):
    """How the weights were quantized.

    ``batch_independent``: whether a record's output was the same alone and in a batch, where measured.
    ``kept_in_float`` lists the graph's quantizable nodes that were left in float.
    """

    method: str
    description: str = ""
    batch_independent: bool | None = None
    kept_in_float: tuple[str, ...] = Field(default=(), strict=False)

    @property
    def on_processors(self) -> bool:
        """Whether the products are of integers, which ONNX Runtime leaves to processors where there is a GPU, too."""
        return self.method.startswith("dynamic int8")


class Manifest(_Part):
    """The whole of ``model.yaml``. ``seal`` is the SHA-256 of the rest, or None in a package of an earlier build."""

    format: Literal[1]
    name: Name
    version: VersionNumber
    task: TaskName
    description: str
    inputs: tuple[InputField, ...] = Field(strict=False, min_length=1)
    outputs: Outputs
    graph: Graph
    tokenizer: str | None = None
    files: tuple[FileEntry, ...] = Field(strict=False, min_length=1)
    training: Training
    quality: tuple[Measurement, ...] = Field(strict=False, min_length=1)
    quantization: Quantization | None = None
    seal: Sha256 | None = None

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = [field.name for field in self.inputs]
        if len(set(names)) != len(names):
            raise ValueError("`inputs` names a field twice")
        listed = [entry.path for entry in self.files]
        if len(set(listed)) != len(listed):
            raise ValueError("`files` lists a file twice")
        needed = [self.graph.file, "baseline.json", "README.md", *([self.tokenizer] if self.tokenizer else [])]
        for path in needed:
            if path not in listed:
                raise ValueError(f"{path} is not listed under `files`")
        if self.task.endswith("classification") and self.outputs.labels is None:
            raise ValueError(f"`outputs.labels` is required for {self.task}")
        if self.task == "tabular-regression" and self.outputs.labels is not None:
            raise ValueError(f"`outputs.labels` is for classifications, not for {self.task}")
        if self.task.endswith("classification") and self.outputs.targets is not None:
            raise ValueError(f"`outputs.targets` is for regressions, not for {self.task}")
        return self

    @property
    def groups(self) -> tuple[str, ...]:
        """The feature groups of the inputs, in order of first use."""
        return tuple(dict.fromkeys(field.group for field in self.inputs if field.group is not None))
