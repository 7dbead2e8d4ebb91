"""What a deployed function gets from its environment, as a type."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.environment import CONTROL_TABLE, FEATURES_TABLE, MODEL_BUCKET, PREDICTIONS_TABLE

ROOT = "LAMBDA_TASK_ROOT"
INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"


@dataclass(frozen=True, slots=True)
class Settings:
    """A function's settings.

    ``root`` is the folder that holds slipway.yaml and models/. A table or bucket is None where the function has no use
    for it: `predict` has the model bucket where a version that it serves is not in its bundle.
    ``snapshot`` tells that the process is to be snapshot once it is initialised, so that nothing is worth putting off.
    """

    root: Path
    features_table: str | None = None
    predictions_table: str | None = None
    control_table: str | None = None
    model_bucket: str | None = None
    snapshot: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment: AWS sets the ``…LAMBDA_…`` variables, the templates set the tables."""
        return cls(
            root=Path(environment.get(ROOT, ".")),
            features_table=environment.get(FEATURES_TABLE) or None,
            predictions_table=environment.get(PREDICTIONS_TABLE) or None,
            control_table=environment.get(CONTROL_TABLE) or None,
            model_bucket=environment.get(MODEL_BUCKET) or None,
            snapshot=environment.get(INITIALIZATION) == "snap-start",
        )
