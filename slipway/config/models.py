"""The part of slipway.yaml on one model: its versions, its tier, and how it is served."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from slipway.config.heavy import HeavyConfig
from slipway.config.model_monitoring import ModelMonitoringConfig
from slipway.config.names import EntityName, VersionNumber
from slipway.config.releases.gates import GatesConfig
from slipway.config.releases.options import ReleaseConfig
from slipway.config.training import TrainingConfig, with_release_options
from slipway.config.validation import Section


class CacheConfig(Section):
    """The prediction cache of one model; off by default for light models, whose inference costs less than a lookup.

    ``precomputed`` is the entity of which batch jobs write answers ahead: a record that gives only it is answered so.
    """

    enabled: bool = False
    ttl_days: Annotated[int, Field(ge=1, le=365)] = 60
    precomputed: EntityName | None = None


class CaptureConfig(Section):
    """Whose inputs and outputs are captured, in the log and as files in a bucket.

    ``sample`` is a share of the requests, or with ``by: entity`` of the entities: all predictions of an entity are
    captured, or none. ``entity`` is what the records are about: by default the first entity of the model's features.
    A record may name it whether or not the model reads features. ``reservoir`` is how many captures of each version
    and period are kept apart, for labels and replay.
    """

    sample: Annotated[float, Field(ge=0, le=1)] = 0.0
    by: Literal["request", "entity"] = "request"
    entity: EntityName | None = None
    reservoir: Annotated[int, Field(ge=0, le=1000)] = 100


_HEAVY_CHARACTERS = 36 * 1024
"""128 tweets of full length, which keep a processor busy for a second: docs/performance.md."""


class ModelLimitsConfig(Section):
    """How much one request may ask of a model: its records, at most `api.limits.records`, and their text in all."""

    records: Annotated[int, Field(ge=1, le=128)] = 128
    characters: Annotated[int, Field(ge=1, le=4 * 1024 * 1024)] = 128 * 1024


class ModelConfig(Section):
    """One model. ``heavy`` says how a heavy model runs and is an error for a light one.

    Without ``training``, it is not trained again.
    """

    tier: Literal["light", "heavy"] = "light"
    path: str | None = None
    versions: Annotated[tuple[VersionNumber, ...], Field(min_length=1)]
    stable: VersionNumber
    cache: CacheConfig = CacheConfig()
    capture: CaptureConfig = CaptureConfig()
    gates: GatesConfig = GatesConfig()
    limits: ModelLimitsConfig = ModelLimitsConfig()
    heavy: HeavyConfig = HeavyConfig()
    release: ReleaseConfig = ReleaseConfig()
    monitoring: ModelMonitoringConfig = ModelMonitoringConfig()
    training: TrainingConfig | None = None

    def may_have(self, version: int) -> bool:
        """Whether a version may be served: one of ``versions`` or, of a model that is retrained, any later one.

        Retraining registers later versions after the deploy, and the registry provides them.
        """
        return version in self.versions or (self.training is not None and version > max(self.versions))

    @model_validator(mode="before")
    @classmethod
    def _heavy_defaults(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("tier") != "heavy":
            return data
        defaults: dict[str, dict[str, Any]] = {"cache": {"enabled": True}, "limits": {"characters": _HEAVY_CHARACTERS}}
        given = {name: data.get(name, {}) for name in defaults}
        return {**data, **{name: {**defaults[name], **own} for name, own in given.items() if isinstance(own, dict)}}

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

    @model_validator(mode="after")
    def _releases_what_it_trains(self) -> Self:
        if self.training is not None:
            with_release_options(self.release, self.training.release)
        return self
