"""The part of slipway.yaml on training: the recipe of a model, what starts a run, and what its result must pass."""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, FiniteFloat, StringConstraints, TypeAdapter, model_validator

from slipway.config.deployment.sizes import check_fargate_size
from slipway.config.heavy import InstanceType
from slipway.config.releases.gates import GatesConfig
from slipway.config.releases.options import Options, ReleaseConfig, Strategy
from slipway.config.validation import Section

Entry = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
"""The user's function, as ``module:function``."""

Schedule = Annotated[str, StringConstraints(pattern=r"^(rate|cron)\([^()]+\)$")]
"""The schedule expression of an EventBridge rule: ``rate(30 days)`` or ``cron(0 3 1 * ? *)``, in UTC."""

RequirementsFile = Annotated[str, StringConstraints(pattern=r"^[\w.-][\w./-]*$")]
"""A file as pip reads it, by its path below the folder of slipway.yaml, as a build argument can have it."""

Compute = Literal["lambda", "fargate", "gpu"]
Mode = Literal["stateless", "stateful"]
TriggerKind = Literal["drift", "accuracy"]
Scalar = str | int | float | bool

_LAMBDA_MINUTES = 15
# Of 4 processors and 16 GB, the least that an instance with a GPU has, these leave enough to ECS and the system. The
# time has to last for the start of the instance, and for an image of some gigabytes, too.
_GPU_DEFAULTS = {"gpus": 1, "timeout_minutes": 60}
_GPU_SIZE = {"vcpus": 3, "memory_mb": 12_288}
# EventBridge refuses `rate(1 days)` and `rate(5 hour)`.
_RATE = re.compile(r"rate\((1 (minute|hour|day)|(?!1 )[1-9]\d* (minutes|hours|days))\)")
_CRON_FIELDS = 6


class TrainingGates(GatesConfig):
    """The gates on a retrained package, measured on the newest slice, against the version that serves.

    They come on top of the model's `gates`, whose figures are those of fixed data. ``max_drop`` is how much worse than
    the serving version it may be on the newest slice, as a share of that version's log loss or root mean square error:
    by default, no more than a slice of some thousand records tells from chance. Null asks nothing.
    ``labelled`` is a file of labelled records, relative to slipway.yaml, whose labels come from elsewhere than the
    feed; on it, too, the package may be worse by ``max_drop`` at most. By default it is that of the model's `gates`.
    ``max_label_shift`` is the largest accepted distance (total variation, 0 to 1) between the labels of the newest
    slice and those that the serving version's scores lead one to expect. ``min_agreement`` with the serving version
    needs no labels at all.
    """

    max_drop: Annotated[FiniteFloat, Field(ge=0, le=1)] | None = 0.02
    max_label_shift: Annotated[FiniteFloat, Field(ge=0, le=1)] | None = 0.2
    min_agreement: Annotated[float, Field(ge=0, le=1)] | None = 0.7


class ComputeSize(Section):
    """What a training task gets; `lambda` has its processors by its memory, and `gpu` more by default."""

    memory_mb: Annotated[int, Field(ge=512, le=1_572_864)] = 4096
    vcpus: Annotated[FiniteFloat, Field(ge=0.25, le=192)] = 2


class TrainingRelease(Section):
    """How a registered version is released: by default with the model's own strategy and options.

    ``start: false`` registers it and leaves the release to a person.
    """

    start: bool = True
    strategy: Strategy | None = None
    options: dict[str, Scalar] = Field(default={})


_OPTIONS: TypeAdapter[Options] = TypeAdapter(Options)


def with_release_options(release: ReleaseConfig, training: TrainingRelease) -> Options:
    """The options that the release of a retrained version has; raises ValueError for one that its strategy lacks."""
    configured = release.options(training.strategy).model_dump()
    if unknown := sorted(set(training.options) - set(configured) | set(training.options) & {"strategy"}):
        there = ", ".join(name for name in configured if name != "strategy")
        strategy = configured["strategy"]
        raise ValueError(f"`training.release.options.{unknown[0]}` is no option of {strategy}; there is {there}")
    return _OPTIONS.validate_python({**configured, **training.options})


class TrainingConfig(Section):
    """How one model is trained again.

    ``parameters`` are passed to the recipe. A run takes the labels of the last ``window_days`` and needs
    ``min_new_labels`` that neither the version that serves nor the one offered last was trained on. The newest share
    ``validation`` of them, by time, is kept for the gates. ``features`` says where the features of the feature store
    come from: as they were ``served``, or from the ``history`` at the time of the prediction. Of triggered runs, at
    most one starts in ``quiet_hours``, not counting those that lacked labels. ``requirements`` is a file of packages,
    relative to slipway.yaml, that a task's image has for the recipe. ``gpus`` and ``instance_types`` are as those of a
    heavy model; with `gpu`, ``timeout_minutes`` begin before there is an instance.
    """

    recipe: Entry
    parameters: dict[str, Scalar] = Field(default={})
    compute: Compute = "fargate"
    size: ComputeSize = ComputeSize()
    gpus: Annotated[int, Field(ge=0, le=8)] = 0
    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1)] = ("g4dn.*", "g5.*", "g6.*")
    requirements: RequirementsFile | None = None
    spot: bool = False
    timeout_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    mode: Mode = "stateless"
    window_days: Annotated[FiniteFloat, Field(gt=0, le=3650)] = 90
    min_new_labels: Annotated[int, Field(ge=1)] = 1000
    validation: Annotated[FiniteFloat, Field(gt=0, lt=1)] = 0.2
    features: Literal["served", "history"] = "served"
    schedule: Schedule | None = None
    triggers: tuple[TriggerKind, ...] = ()
    quiet_hours: Annotated[FiniteFloat, Field(ge=0, le=8760)] = 20  # an alarm that stands triggers again after 24
    gates: TrainingGates = TrainingGates()
    approval: Literal["none", "required"] = "none"
    approval_hours: Annotated[FiniteFloat, Field(gt=0, le=8640)] = 72  # an execution ends after 364 days
    release: TrainingRelease = TrainingRelease()

    @model_validator(mode="before")
    @classmethod
    def _only_a_recipe(cls, data: Any) -> Any:
        """``training: module:function`` is short for a recipe with the defaults."""
        return {"recipe": data} if isinstance(data, str) else data

    @model_validator(mode="before")
    @classmethod
    def _gpu_means_more(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("compute") != "gpu":
            return data
        size = data.get("size", {})
        return {**_GPU_DEFAULTS, **data, "size": {**_GPU_SIZE, **size} if isinstance(size, dict) else size}

    @model_validator(mode="after")
    def _schedule_has_its_parts(self) -> Self:
        if self.schedule is None:
            return self
        if self.schedule.startswith("rate") and not _RATE.fullmatch(self.schedule):
            raise ValueError(f"`schedule: {self.schedule}` is no rate, e.g. rate(1 day) or rate(30 days)")
        if self.schedule.startswith("cron") and len(self.schedule[5:-1].split()) != _CRON_FIELDS:
            raise ValueError(f"`schedule: {self.schedule}` needs six fields, e.g. cron(0 3 1 * ? *)")
        return self

    @model_validator(mode="after")
    def _fits_its_compute(self) -> Self:
        if self.compute == "lambda" and self.timeout_minutes > _LAMBDA_MINUTES:
            raise ValueError(f"`timeout_minutes: {self.timeout_minutes}`: a Lambda function runs 15 minutes at most")
        if self.compute == "lambda" and self.spot:
            raise ValueError("`spot` is for `compute: fargate` and `gpu`; Lambda has no Spot capacity")
        if self.compute == "lambda" and self.size.memory_mb > 10_240:
            raise ValueError(f"`size.memory_mb: {self.size.memory_mb}`: a Lambda function has 10240 MB at most")
        if self.compute == "lambda" and self.requirements is not None:
            raise ValueError("`requirements` is for `compute: fargate` and `gpu`; a Lambda function has no image")
        return self

    @model_validator(mode="after")
    def _compute_has_the_gpus(self) -> Self:
        if self.compute == "gpu" and not self.gpus:
            raise ValueError("`compute: gpu` needs `gpus` of at least 1; without a GPU, write `compute: fargate`")
        if self.compute != "gpu" and self.gpus:
            raise ValueError(f"`gpus: {self.gpus}` needs `compute: gpu`; `{self.compute}` has no GPUs")
        if self.compute != "gpu" and "instance_types" in self.model_fields_set:
            raise ValueError(f"`instance_types` needs `compute: gpu`; `{self.compute}` has no instance types")
        return self

    @model_validator(mode="after")
    def _fargate_has_the_size(self) -> Self:
        if self.compute == "fargate":
            check_fargate_size(self.size.vcpus, self.size.memory_mb, names=("size.vcpus", "size.memory_mb"))
        return self

    @model_validator(mode="after")
    def _triggers_are_named_once(self) -> Self:
        if len(set(self.triggers)) != len(self.triggers):
            raise ValueError(f"`triggers` names one twice; there is {', '.join(get_args(TriggerKind))}")
        return self
