"""The typed settings that the function `capture` reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import CAPTURE_BUCKET, CONTROL_TABLE
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings; ``root`` is the folder with slipway.yaml."""

    root: Path
    bucket: str
    control_table: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        needed = (CAPTURE_BUCKET, CONTROL_TABLE)
        missing = [FieldProblem(name, "is required") for name in needed if not environment.get(name)]
        if missing:
            raise ConfigError("the environment", missing)
        bucket, table = (environment[name] for name in needed)
        return cls(Path(environment.get(ROOT, ".")), bucket, table)
