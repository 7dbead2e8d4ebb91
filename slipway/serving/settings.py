"""The typed settings that a deployed function reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.deployment.environment import (
    CONTROL_TABLE,
    FEATURES_TABLE,
    ID_KEYS,
    MODEL_BUCKET,
    PREDICTIONS_TABLE,
)

ROOT = "LAMBDA_TASK_ROOT"
INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
CODE_VERSION = "AWS_LAMBDA_FUNCTION_VERSION"


@dataclass(frozen=True, slots=True)
class Settings:
    """A function's settings.

    ``root`` is the folder that holds slipway.yaml and models/. A table or bucket is None if the function does not need
    it; `predict` needs the model bucket if it serves a version that is not in its bundle. ``id_keys`` is the name of
    the parameter with the keys of prediction ids. ``snapshot`` means that SnapStart snapshots the initialized process,
    so initialization should not defer any work. ``code_version`` is the published version of the function.
    """

    root: Path
    features_table: str | None = None
    predictions_table: str | None = None
    control_table: str | None = None
    model_bucket: str | None = None
    id_keys: str | None = None
    snapshot: bool = False
    code_version: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment. AWS sets the ``…LAMBDA_…`` variables, and the templates set tables and bucket."""
        return cls(
            root=Path(environment.get(ROOT, ".")),
            features_table=environment.get(FEATURES_TABLE) or None,
            predictions_table=environment.get(PREDICTIONS_TABLE) or None,
            control_table=environment.get(CONTROL_TABLE) or None,
            model_bucket=environment.get(MODEL_BUCKET) or None,
            id_keys=environment.get(ID_KEYS) or None,
            snapshot=environment.get(INITIALIZATION) == "snap-start",
            code_version=environment.get(CODE_VERSION) or None,
        )
