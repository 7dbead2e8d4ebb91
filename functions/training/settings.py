"""The typed settings that a step of training reads from its environment; each step has what it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import (
    CAPTURE_BUCKET,
    CONTROL_TABLE,
    HISTORY_BUCKET,
    MODEL_BUCKET,
    RELEASE_TOPIC,
    TRAINING_BUCKET,
    TRAINING_MACHINE,
)
from slipway.errors import ConfigError, FieldProblem

ROOT = "LAMBDA_TASK_ROOT"
REGION = "AWS_REGION"


@dataclass(frozen=True, slots=True)
class Settings:
    """A step's settings; ``root`` is the folder with slipway.yaml. ``need`` gives what only some steps have."""

    root: Path
    control_table: str
    region: str
    others: Mapping[str, str]

    def need(self, name: str) -> str:
        """A variable of the environment; raises ConfigError if the template gives this step none."""
        if value := self.others.get(name):
            return value
        raise ConfigError("the environment", [FieldProblem(name, "is required by this step")])

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing variables."""
        table = environment.get(CONTROL_TABLE)
        if not table:
            raise ConfigError("the environment", [FieldProblem(CONTROL_TABLE, "is required")])
        optional = (CAPTURE_BUCKET, HISTORY_BUCKET, MODEL_BUCKET, RELEASE_TOPIC, TRAINING_BUCKET, TRAINING_MACHINE)
        others = {name: environment[name] for name in optional if environment.get(name)}
        return cls(Path(environment.get(ROOT, ".")), table, environment.get(REGION, "us-east-1"), others)
