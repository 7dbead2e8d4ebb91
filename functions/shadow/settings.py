"""The typed settings that the function `shadow` reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import CONTROL_TABLE, MODEL_BUCKET
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings; ``root`` is the folder with slipway.yaml and models/.

    Without a model bucket, every version that it scores with is in ``root``.
    """

    root: Path
    control_table: str
    model_bucket: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        table = environment.get(CONTROL_TABLE)
        if not table:
            raise ConfigError("the environment", [FieldProblem(CONTROL_TABLE, "is required")])
        return cls(Path(environment.get(ROOT, ".")), table, environment.get(MODEL_BUCKET) or None)
