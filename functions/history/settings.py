"""The typed settings that the function `history` reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import HISTORY_BUCKET
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings; ``root`` is the folder with slipway.yaml."""

    root: Path
    bucket: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        bucket = environment.get(HISTORY_BUCKET)
        if not bucket:
            raise ConfigError("the environment", [FieldProblem(HISTORY_BUCKET, "is required")])
        return cls(Path(environment.get(ROOT, ".")), bucket)
