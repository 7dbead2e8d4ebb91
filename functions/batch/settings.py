"""The typed settings that the functions of batch jobs read from their environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import (
    BATCH_BUCKET,
    CONTROL_TABLE,
    FEATURES_TABLE,
    HISTORY_BUCKET,
    MODEL_BUCKET,
    PREDICTIONS_TABLE,
)
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; ``root`` is the folder with slipway.yaml, the light models and the manifests of heavy ones.

    The last three are None where slipway.yaml has no use for them, and for the step `plan`, which needs none.
    """

    root: Path
    bucket: str
    control_table: str
    model_bucket: str
    features_table: str | None = None
    history_bucket: str | None = None
    predictions_table: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        needed = (BATCH_BUCKET, CONTROL_TABLE, MODEL_BUCKET)
        if missing := [FieldProblem(name, "is required") for name in needed if not environment.get(name)]:
            raise ConfigError("the environment", missing)
        stores = (environment.get(name) or None for name in (FEATURES_TABLE, HISTORY_BUCKET, PREDICTIONS_TABLE))
        return cls(Path(environment.get(ROOT, ".")), *(environment[name] for name in needed), *stores)
