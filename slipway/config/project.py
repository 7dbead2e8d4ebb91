"""slipway.yaml as types: which models are deployed, and how.

Every setting is defined here. Unknown keys are errors, and each error names the path of the value.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, FiniteFloat, StringConstraints, ValidationError, model_validator

from slipway.config.heavy import HeavyConfig, NetworkConfig
from slipway.config.monitoring import MonitoringConfig
from slipway.config.releases import ReleaseConfig
from slipway.config.shadow import ShadowConfig
from slipway.config.validation import Section, field_problems
from slipway.errors import ConfigError, FieldProblem

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
"""A model, entity or feature group: lower case, digits and hyphens, at most 48 characters."""

FeatureName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
VersionNumber = Annotated[int, Field(ge=1)]
ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


class Authorization(StrEnum):
    """Who may call the API."""

    IAM = "iam"
    JWT = "jwt"
    NONE = "none"


class JwtConfig(Section):
    issuer: Annotated[str, StringConstraints(pattern=r"^https://")]
    audience: Annotated[tuple[str, ...], Field(min_length=1)]


class ThrottleConfig(Section):
    """API Gateway's throttling: the steady-state rate in requests per second, and the burst size."""

    rate: Annotated[float, Field(gt=0)] = 200
    burst: Annotated[int, Field(gt=0)] = 400


class LimitsConfig(Section):
    """The limits of one request; a larger one is refused before it is parsed."""

    # An HTTP API refuses bodies over 10 MB and Lambda payloads over 6 MB, which base64 inflates by a third.
    body_bytes: Annotated[int, Field(ge=1024, le=4 * 1024 * 1024)] = 1024 * 1024
    records: Annotated[int, Field(ge=1, le=128)] = 128
    text_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000


class ApiConfig(Section):
    authorization: Authorization = Authorization.IAM
    jwt: JwtConfig | None = None
    throttle: ThrottleConfig = ThrottleConfig()
    limits: LimitsConfig = LimitsConfig()

    @model_validator(mode="after")
    def _jwt_needs_its_issuer(self) -> Self:
        if (self.authorization is Authorization.JWT) != (self.jwt is not None):
            raise ValueError(
                "`jwt: {issuer, audience}` is required with `authorization: jwt` and not allowed without it"
            )
        return self


class CacheConfig(Section):
    """The prediction cache of one model; off by default for light models, whose inference costs less than a lookup."""

    enabled: bool = False
    ttl_days: Annotated[int, Field(ge=1, le=365)] = 60


class CaptureConfig(Section):
    """The share of requests whose inputs and outputs are captured, in the log and as files in a bucket."""

    sample: Annotated[float, Field(ge=0, le=1)] = 0.0


class QualityGate(Section):
    """The threshold that one quality metric must meet.

    ``data`` names the data set; by default it is the one given to the check, else the manifest's only one.
    ``max_drop`` is how much worse than the previous version a version may be, in the metric's own unit.
    """

    metric: Annotated[str, StringConstraints(min_length=1)]
    data: str | None = None
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    max_drop: Annotated[FiniteFloat, Field(ge=0)] | None = None

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric measures error."""
        return metric_name(self.metric) in _LOWER_IS_BETTER

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None and self.max_drop is None:
            raise ValueError(f"the gate on {self.metric} needs `min`, `max` or `max_drop`")
        wrong = "min" if self.lower_is_better else "max"
        if getattr(self, wrong) is not None:
            better = "lower" if self.lower_is_better else "higher"
            raise ValueError(f"a {better} {self.metric} is better, so `{wrong}` would reject good models, not bad ones")
        return self


_LOWER_IS_BETTER = frozenset({"log_loss", "mae", "mse", "rmse"})
_SAME_METRIC = {"balanced_accuracy": "macro_recall", "r_squared": "r2"}


def metric_name(metric: str) -> str:
    """The canonical name of a metric: ``Log loss`` is ``log_loss``, balanced accuracy is ``macro_recall``."""
    name = re.sub(r"[\s-]+", "_", metric.strip().lower())
    return _SAME_METRIC.get(name, name)


class GatesConfig(Section):
    """The gates that a package must pass to be registered as a version; a gate that is not set is not checked.

    ``labelled`` is the file of labelled records to check with, relative to slipway.yaml.
    """

    labelled: str | None = None
    quality: tuple[QualityGate, ...] = ()
    min_agreement: Annotated[float, Field(ge=0, le=1)] | None = None
    max_package_bytes: Annotated[int, Field(ge=1)] | None = None
    max_latency_ratio: Annotated[FiniteFloat, Field(gt=0)] | None = None
    max_latency_ms: Annotated[FiniteFloat, Field(gt=0)] | None = None

    @property
    def asked(self) -> bool:
        """Whether any gate is set."""
        limits = (self.min_agreement, self.max_package_bytes, self.max_latency_ratio, self.max_latency_ms)
        return bool(self.quality) or any(limit is not None for limit in limits)


class ModelConfig(Section):
    """One model. ``heavy`` says how a heavy model runs and is an error for a light one."""

    tier: Literal["light", "heavy"] = "light"
    path: str | None = None
    versions: Annotated[tuple[VersionNumber, ...], Field(min_length=1)]
    stable: VersionNumber
    cache: CacheConfig = CacheConfig()
    capture: CaptureConfig = CaptureConfig()
    gates: GatesConfig = GatesConfig()
    heavy: HeavyConfig = HeavyConfig()
    release: ReleaseConfig = ReleaseConfig()

    @model_validator(mode="before")
    @classmethod
    def _heavy_models_are_cached(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("tier") != "heavy" or not isinstance(data.get("cache", {}), dict):
            return data
        return {**data, "cache": {"enabled": True, **data.get("cache", {})}}

    @model_validator(mode="after")
    def _heavy_is_of_a_heavy_model(self) -> Self:
        if self.tier == "light" and "heavy" in self.model_fields_set:
            raise ValueError("`heavy` is set but the tier is light: write `tier: heavy`, or remove it")
        return self

    @model_validator(mode="after")
    def _stable_is_deployed(self) -> Self:
        if len(set(self.versions)) != len(self.versions):
            raise ValueError("`versions` names a version twice")
        if self.stable not in self.versions:
            raise ValueError(f"`stable: {self.stable}` is not among `versions`: {list(self.versions)}")
        return self


class FeatureType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"


FeatureValue = str | int | float | bool
_PYTHON_TYPES: dict[FeatureType, tuple[type, ...]] = {
    FeatureType.STRING: (str,),
    FeatureType.INTEGER: (int,),
    FeatureType.FLOAT: (float, int),
    FeatureType.BOOLEAN: (bool,),
}


class FeatureConfig(Section):
    type: FeatureType
    default: FeatureValue | None = None
    description: str = ""

    @model_validator(mode="after")
    def _default_has_the_type(self) -> Self:
        if self.default is not None and not self.accepts(self.default):
            raise ValueError(f"`default: {self.default!r}` is not of type {self.type}")
        return self

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is of this feature's type; a boolean is never a number."""
        if isinstance(value, bool):
            return self.type is FeatureType.BOOLEAN
        return isinstance(value, _PYTHON_TYPES[self.type])


class FeatureGroupConfig(Section):
    """A named set of features of one entity, written together."""

    entity: Name
    ttl_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    features: Annotated[dict[FeatureName, FeatureConfig], Field(min_length=1)]


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
