"""Builds a version's answer types from its manifest, so that the OpenAPI document and the answers cannot differ."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, create_model
from typing_extensions import TypedDict

from slipway.models.manifest import BUILT_IN_TASKS, Form, Manifest, Outputs
from slipway.monitoring.feedback.prediction_ids import PREDICTION_ID_PATTERN
from slipway.serving.prediction.request import Prediction

# Documented but not validated: sums of float32 may slightly exceed 1.
Share = Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": 1})]
PredictionIdText = Annotated[str, Field(json_schema_extra={"pattern": PREDICTION_ID_PATTERN})]


class MadeAhead(BaseModel):
    """What an answer that a batch job made ahead of the request says of it; other answers have neither field."""

    precomputed: bool = Field(default=False, description="Whether a batch job made the answer ahead; absent if not")
    precomputed_at: datetime | None = Field(default=None, description="When the batch job made it")

    @staticmethod
    def of(made: Prediction) -> "dict[str, Any]":
        """The fields of a prediction, if it was made ahead."""
        return {} if made.made_at is None else {"precomputed": True, "precomputed_at": made.made_at}


class AnsweredRecord(MadeAhead):
    """The answer to one record: these fields and the outputs of the version's task."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: PredictionIdText
    version: int
    cached: bool


class _TaskRecord(AnsweredRecord):
    """The answer to one record by a built-in task, whose fields are known."""

    model_config = ConfigDict(extra="forbid")


class Predictions(BaseModel):
    """The predictions, in the order of the records."""

    model: str
    predictions: list[SerializeAsAny[AnsweredRecord]]


def answer_model(name: str, manifest: Manifest) -> type[AnsweredRecord]:
    """Create the type of a version's answer to one record; ``name`` is the type's prefix."""
    if manifest.task not in BUILT_IN_TASKS:
        return create_model(f"{name}Prediction", __base__=AnsweredRecord)
    return create_model(f"{name}Prediction", __base__=_TaskRecord, **_fields(name, manifest.outputs))


def _fields(name: str, outputs: Outputs) -> dict[str, Any]:
    # The functional form of TypedDict, since a label or a target need not be an identifier.
    labels = outputs.labels or ()
    scores = TypedDict(f"{name}Scores", dict.fromkeys(labels, Share))  # type: ignore[misc]
    match outputs.form:
        case Form.LABEL:
            return {"label": (Literal[labels], ...), "score": (Share, ...), "scores": (scores, ...)}
        case Form.LABELS:
            return {"labels": (list[Literal[labels]], ...), "scores": (scores, ...)}  # type: ignore[valid-type]
        case Form.VALUE:
            return {"value": (float, Field(description=outputs.unit))}
        case Form.VALUES:
            units = {each.name: Annotated[float, Field(description=each.unit)] for each in outputs.targets or ()}
            values = TypedDict(f"{name}Values", units)  # type: ignore[misc]
            return {"values": (values, ...)}


def predictions_model(name: str, model: str, answer: type[AnsweredRecord]) -> type[Predictions]:
    """Create the type of a predict answer by one version, for the OpenAPI document."""
    fields: dict[str, Any] = {"model": (Literal[model], ...), "predictions": (list[answer], ...)}  # type: ignore[valid-type]
    return create_model(f"{name}Predictions", __base__=Predictions, **fields)
