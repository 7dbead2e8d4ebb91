"""The manifest of a package, ``model.yaml``, as types.

Reading it checks its form; whether the files beside it are what it says is `slipway.models.package`'s to check.
"""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from slipway.config import FeatureName, FeatureType, Name, VersionNumber

Scalar = str | int | float | bool
Record = Mapping[str, Scalar]
"""A whole record: a value for every input of the manifest, by name."""

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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputField(_Part):
    """One value of a record.

    ``group`` names the feature group that holds the value; without it, the value comes with the request. A request
    may give the value of a grouped field too, and then the store is not asked for it.
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

    @model_validator(mode="after")
    def _constraints_fit_the_type(self) -> Self:
        numeric = self.type in (FeatureType.INTEGER, FeatureType.FLOAT)
        if not numeric and (self.min is not None or self.max is not None):
            raise ValueError(f"`min` and `max` are for numbers, and {self.name} is a {self.type}")
        if self.type is not FeatureType.STRING and self.max_characters is not None:
            raise ValueError(f"`max_characters` is for strings, and {self.name} is a {self.type}")
        if self.min is not None and self.max is not None and not self.min <= self.max:
            raise ValueError(f"`min: {self.min}` of {self.name} is above its `max: {self.max}`")
        return self


class Outputs(_Part):
    """What a prediction holds: the labels of a classifier in the graph's order, or what a regression's value means."""

    labels: tuple[str, ...] | None = Field(default=None, strict=False, min_length=2)
    unit: str | None = None


class Graph(_Part):
    """The ONNX graph: its file, and the names of its inputs and outputs, in order."""

    file: str
    inputs: tuple[str, ...] = Field(strict=False, min_length=1)
    outputs: tuple[str, ...] = Field(strict=False, min_length=1)


class FileEntry(_Part):
    """One file of the package, by its path relative to the package, with ``/`` between folders."""

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
    """How a version was made, so that somebody can make it again.

    An imported version was trained elsewhere: it has neither seed nor data, and its parameters say what is known.
    ``parent`` is the version that this one was made from, ``teacher`` what it was distilled from, as ``MODEL:VERSION``.
    """

    command: str
    data: tuple[DataSet, ...] = Field(default=(), strict=False)
    seed: int | None = None
    parameters: dict[str, Any] = {}
    git_commit: GitCommit | None = None
    parent: VersionNumber | None = None
    teacher: str | None = None


class Measurement(_Part):
    """One figure of quality, with the data it was measured on."""

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
    """How the weights were made smaller, and what that cost.

    ``batch_independent``: whether a record's answer was the same alone and among others, as far as was measured.
    ``kept_in_float`` are the graph's nodes that could have been quantized and were not.
    """

    method: str
    description: str = ""
    batch_independent: bool | None = None
    kept_in_float: tuple[str, ...] = Field(default=(), strict=False)


class Manifest(_Part):
    """The whole of ``model.yaml``."""

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
            raise ValueError(f"`outputs.labels` is needed for {self.task}")
        return self

    @property
    def groups(self) -> tuple[str, ...]:
        """The feature groups that the inputs come from, in order of first use."""
        return tuple(dict.fromkeys(field.group for field in self.inputs if field.group is not None))
