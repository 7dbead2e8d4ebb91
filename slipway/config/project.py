"""slipway.yaml as types: which models are deployed, and how.

Every setting is defined here and in the modules of its sections. Unknown keys are errors, and each error names the path
of the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from slipway.config.accuracy import AccuracyConfig, accuracy_of
from slipway.config.api import ApiConfig
from slipway.config.batch import BatchConfig
from slipway.config.drift import DriftConfig, drift_of
from slipway.config.features import FeatureGroupConfig
from slipway.config.heavy import NetworkConfig, with_nat_for_gpus
from slipway.config.models import ModelConfig
from slipway.config.monitoring import MonitoringConfig
from slipway.config.names import ModuleName, Name, ProjectName
from slipway.config.overrides import KEY, LOCAL, merge_environment, split_environments
from slipway.config.releases.shadow import ShadowConfig
from slipway.config.training import TrainingConfig
from slipway.config.validation import Section, field_problems
from slipway.errors import ConfigError, FieldProblem, NotFoundError

DEFAULT_PROJECT = "slipway"


class LightTierConfig(Section):
    """The Lambda functions that serve light models and the store."""

    memory_mb: Annotated[int, Field(ge=256, le=10_240)] = 1769  # one full vCPU, by AWS's documentation
    timeout_seconds: Annotated[int, Field(ge=1, le=29)] = 15  # an HTTP API gives up after 30 s
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    snap_start: bool = True  # AWS charges for a snapshot by its memory and time, whether it is used or not
    deployment: Literal["canary-10-percent-5-minutes", "linear-10-percent-every-minute", "all-at-once"] = (
        "canary-10-percent-5-minutes"
    )
    task_modules: tuple[ModuleName, ...] = ()


class Config(Section):
    """The whole of slipway.yaml."""

    project: ProjectName = DEFAULT_PROJECT
    api: ApiConfig = ApiConfig()
    models: Annotated[dict[Name, ModelConfig], Field(min_length=1)]
    features: dict[Name, FeatureGroupConfig] = Field(default={})
    light: LightTierConfig = LightTierConfig()
    batch: BatchConfig = Field(default=BatchConfig(), validate_default=True)
    network: NetworkConfig = Field(default=NetworkConfig(), validate_default=True)
    shadow: ShadowConfig = ShadowConfig()
    monitoring: MonitoringConfig = Field(default=MonitoringConfig(), validate_default=True)

    @field_validator("network")
    @classmethod
    def _gpus_have_nat(cls, network: NetworkConfig, read: ValidationInfo) -> NetworkConfig:
        models: dict[str, ModelConfig] = read.data.get("models", {})
        return with_nat_for_gpus(network, {name: model.heavy for name, model in models.items()})

    @field_validator("batch")
    @classmethod
    def _schedules_name_models(cls, batch: BatchConfig, read: ValidationInfo) -> BatchConfig:
        models: dict[str, ModelConfig] = read.data.get("models", {})
        for name, schedule in batch.schedules.items():
            if models and schedule.model not in models:
                raise ValueError(f"schedules.{name} scores {schedule.model}, which is not among the models")
            ahead = models[schedule.model].cache.precomputed if models else schedule.precompute
            if schedule.precompute not in (None, ahead):
                said = f"models.{schedule.model}.cache.precomputed is {ahead or 'not set'}"
                raise ValueError(f"schedules.{name} precomputes answers of {schedule.precompute}, and {said}")
        return batch

    @field_validator("monitoring")
    @classmethod
    def _drift_of_models_fits(cls, monitoring: MonitoringConfig, read: ValidationInfo) -> MonitoringConfig:
        models: dict[str, ModelConfig] = read.data.get("models", {})
        for name, model in models.items():
            try:
                drift_of(monitoring.drift, model.monitoring.drift)
            except ValidationError as error:
                reason = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"with models.{name}.monitoring.drift, {reason}") from error
        return monitoring

    @property
    def light_models(self) -> dict[str, ModelConfig]:
        """The models that the function `predict` serves."""
        return {name: model for name, model in self.models.items() if model.tier == "light"}

    @property
    def heavy_models(self) -> dict[str, ModelConfig]:
        """The models that ECS serves, each in two slots."""
        return {name: model for name, model in self.models.items() if model.tier == "heavy"}

    @property
    def captured_models(self) -> frozenset[str]:
        """The models whose requests are captured."""
        return frozenset(name for name, model in self.models.items() if model.capture.sample > 0)

    @property
    def trained_models(self) -> dict[str, TrainingConfig]:
        """How models are trained again, by model; those that are not are left out."""
        return {name: model.training for name, model in self.models.items() if model.training is not None}

    def drift_of(self, name: str) -> DriftConfig:
        """How drift of a model is judged: the project's settings, with the model's own."""
        return drift_of(self.monitoring.drift, self.models[name].monitoring.drift)

    def accuracy_of(self, name: str) -> AccuracyConfig:
        """How the accuracy of a model is watched: the project's settings, with the model's own."""
        return accuracy_of(self.monitoring.accuracy, self.models[name].monitoring.accuracy)

    @property
    def captured_entities(self) -> dict[str, str | None]:
        """The models that are captured by entity, each with the entity that `capture.entity` names."""
        captured = {name: self.models[name].capture for name in sorted(self.captured_models)}
        return {name: capture.entity for name, capture in captured.items() if capture.by == "entity"}

    @property
    def recorded_groups(self) -> frozenset[str]:
        """The feature groups whose history is kept."""
        return frozenset(name for name, group in self.features.items() if group.history is not None)

    def model_folder(self, root: Path, name: str) -> Path:
        """The folder that holds a model's versions: ``<folder>/1``, ``<folder>/2`` and so on."""
        return root / (self.models[name].path or f"models/{name}")


def load_config(path: Path, environment: str | None = None) -> Config:
    """Read slipway.yaml in an environment, by default none of those that it names.

    Raises:
        ConfigError: the file is missing, is not YAML, or has invalid values in any environment; each problem names the
            value's path.
        NotFoundError: the file has no such environment.
    """
    return read_project(path).config(environment)


def load_local(path: Path) -> Config:
    """Read slipway.yaml as the embedded AWS deploys it; raises ConfigError as `load_config` does."""
    project = read_project(path)
    return project.config(project.local)


def read_project(path: Path) -> "Project":
    """Read slipway.yaml with all its environments; raises ConfigError as `load_config` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = "does not exist; run this in the folder that has it, or name it with --config"
        raise ConfigError(path, [FieldProblem("(file)", message)]) from error
    except OSError as error:
        raise ConfigError(path, [FieldProblem("(file)", error.strerror or str(error))]) from error
    return parse_project(text, source=path)


def parse_config(text: str, *, source: Path | str = "slipway.yaml", environment: str | None = None) -> Config:
    """Validate the text of a slipway.yaml; raises as `load_config` does."""
    return parse_project(text, source=source).config(environment)


@dataclass(frozen=True)
class Project:
    """A valid slipway.yaml: its document and configuration in each environment; None stands for no environment."""

    documents: Mapping[str | None, Mapping[str, Any]]
    configs: Mapping[str | None, Config]

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments, in the file's order."""
        return tuple(name for name in self.configs if name is not None)

    @property
    def local(self) -> str | None:
        """The environment of the embedded AWS: `local`, if the file has it."""
        return LOCAL if LOCAL in self.configs else None

    def config(self, environment: str | None = None) -> Config:
        """The configuration in an environment; raises NotFoundError."""
        return self.configs[self._known(environment)]

    def document(self, environment: str | None = None) -> Mapping[str, Any]:
        """The merged document, itself a slipway.yaml without `environments`; raises NotFoundError."""
        return self.documents[self._known(environment)]

    def _known(self, environment: str | None) -> str | None:
        if environment not in self.configs:
            raise NotFoundError("environment", str(environment), self.environments, within="slipway.yaml")
        return environment


def parse_project(text: str, *, source: Path | str = "slipway.yaml") -> Project:
    """Validate the text of a slipway.yaml in every environment; raises ConfigError as `load_config` does."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError as error:
        raise ConfigError(source, [FieldProblem("(file)", f"not YAML: {' '.join(str(error).split())}")]) from error
    rest, environments, problems = split_environments(document)
    documents: dict[str | None, Any] = {None: rest}
    for each, overrides in environments.items():
        documents[each], wrong = merge_environment(rest, each, overrides, project=DEFAULT_PROJECT)
        problems += wrong
    configs: dict[str | None, Config] = {}
    for name, merged in documents.items():
        try:
            configs[name] = Config.model_validate(merged)
        except ValidationError as error:
            problems += _problems(error, name, known=problems)
    if problems:
        raise ConfigError(source, problems)
    return Project(documents, configs)


def _problems(error: ValidationError, environment: str | None, *, known: list[FieldProblem]) -> list[FieldProblem]:
    """The problems of one environment, without those that it shares with the rest of the file."""
    found = field_problems(error, of=Config)
    if environment is None:
        return found
    prefix = f"{KEY}.{environment}"
    return [FieldProblem(f"{prefix}.{each.field}", each.message) for each in found if each not in known]
