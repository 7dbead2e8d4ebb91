"""The typed settings that the monitor reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import (
    ALARM_TOPIC,
    CAPTURE_BUCKET,
    CONTROL_TABLE,
    HISTORY_BUCKET,
    MODEL_BUCKET,
)
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"
REGION = "AWS_REGION"


@dataclass(frozen=True, slots=True)
class Settings:
    """The monitor's settings; ``root`` is the folder with slipway.yaml, and the manifests and baselines of models.

    ``history`` is None if no history is kept.
    """

    root: Path
    captures: str
    control_table: str
    models: str
    topic: str
    region: str
    history: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        needed = (CAPTURE_BUCKET, CONTROL_TABLE, MODEL_BUCKET, ALARM_TOPIC)
        missing = [FieldProblem(name, "is required") for name in needed if not environment.get(name)]
        if missing:
            raise ConfigError("the environment", missing)
        given = (environment[name] for name in needed)
        return cls(
            Path(environment.get(ROOT, ".")),
            *given,
            environment.get(REGION, "us-east-1"),
            environment.get(HISTORY_BUCKET),
        )
