"""The typed settings that the function `widget` reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import CAPTURE_BUCKET, CONTROL_TABLE, MODEL_BUCKET
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings; ``root`` is the folder with slipway.yaml, and the manifests and baselines of models."""

    root: Path
    captures: str
    control_table: str
    models: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        needed = (CAPTURE_BUCKET, CONTROL_TABLE, MODEL_BUCKET)
        missing = [FieldProblem(name, "is required") for name in needed if not environment.get(name)]
        if missing:
            raise ConfigError("the environment", missing)
        return cls(Path(environment.get(ROOT, ".")), *(environment[name] for name in needed))
