"""slipway.yaml as types: which models are deployed, and how.

Every setting is defined here and in the modules of its sections. Unknown keys are errors, and each error names the path
of the value.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from slipway.config.api import ApiConfig
from slipway.config.features import FeatureGroupConfig
from slipway.config.heavy import NetworkConfig
from slipway.config.models import ModelConfig
from slipway.config.monitoring import MonitoringConfig
from slipway.config.names import ModuleName, Name
from slipway.config.shadow import ShadowConfig
from slipway.config.validation import Section, field_problems
from slipway.errors import ConfigError, FieldProblem


class LightTierConfig(Section):
    """The Lambda functions that serve light models and the store."""

    memory_mb: Annotated[int, Field(ge=256, le=10_240)] = 1769  # one full vCPU, by AWS's documentation
    timeout_seconds: Annotated[int, Field(ge=1, le=29)] = 15  # an HTTP API gives up after 30 s
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    snap_start: bool = True  # AWS charges for a snapshot by its memory until it has been unused for 14 days
    deployment: Literal["canary-10-percent-5-minutes", "linear-10-percent-every-minute", "all-at-once"] = (
        "canary-10-percent-5-minutes"
    )
    task_modules: tuple[ModuleName, ...] = ()


class Config(Section):
    """The whole of slipway.yaml."""

    project: Name = "slipway"
    api: ApiConfig = ApiConfig()
    models: Annotated[dict[Name, ModelConfig], Field(min_length=1)]
    features: dict[Name, FeatureGroupConfig] = Field(default={})
    light: LightTierConfig = LightTierConfig()
    network: NetworkConfig = NetworkConfig()
    shadow: ShadowConfig = ShadowConfig()
    monitoring: MonitoringConfig = MonitoringConfig()

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

    def model_folder(self, root: Path, name: str) -> Path:
        """The folder that holds a model's versions: ``<folder>/1``, ``<folder>/2`` and so on."""
        return root / (self.models[name].path or f"models/{name}")


def load_config(path: Path) -> Config:
    """Read slipway.yaml.

    Raises:
        ConfigError: the file is missing, is not YAML, or has invalid values; each problem names the value's path.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(path, [FieldProblem("(file)", error.strerror or str(error))]) from error
    return parse_config(text, source=path)


def parse_config(text: str, *, source: Path | str = "slipway.yaml") -> Config:
    """Validate the text of a slipway.yaml; raises as `load_config` does."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError as error:
        raise ConfigError(source, [FieldProblem("(file)", f"not YAML: {error}")]) from error
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError(source, field_problems(error)) from error
