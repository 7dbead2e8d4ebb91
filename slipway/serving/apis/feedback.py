"""The HTTP route of feedback."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from slipway.config import ModelConfig
from slipway.errors import InputError, NotFoundError
from slipway.monitoring.feedback.key_ring import IdVerifier
from slipway.monitoring.feedback.prediction_ids import PREDICTION_ID_PATTERN, PredictionId, parse_prediction_id
from slipway.monitoring.feedback.store import Feedback, FeedbackStore
from slipway.monitoring.telemetry import metrics
from slipway.serving.http.bodies import JsonRoute
from slipway.serving.http.context import event_of
from slipway.serving.http.responses import operation_id, problems
from slipway.serving.prediction.reading import Body

FEEDBACK = "/v1/feedback"
Number = Annotated[float, Field(allow_inf_nan=False)]
Labels = Mapping[tuple[str, int], tuple[str, ...]]
"""The labels of each version that has some."""

_SHOWN_CHARACTERS = 500
_SAID = ("label", "value", "reward")

router = APIRouter(tags=["Feedback"], route_class=JsonRoute, generate_unique_id_function=operation_id)


def _alone(said: str) -> dict[str, Any]:
    """Return the schema of a body in which one field has a value, and the others are null or absent."""
    values = {name: {"not": {"type": "null"}} if name == said else {"type": "null"} for name in _SAID}
    return {"required": [said], "properties": values}


class FeedbackBody(Body):
    """Feedback on one prediction: exactly one of ``label``, ``value`` and ``reward``."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_alone(name) for name in _SAID]})

    prediction_id: Annotated[str, Field(pattern=PREDICTION_ID_PATTERN)]
    label: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    value: Number | None = None
    reward: Number | None = None
    time: Annotated[AwareDatetime, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(said is not None for said in (self.label, self.value, self.reward)) != 1:
            raise ValueError("exactly one of label, value and reward is needed")
        return self


class FeedbackResult(BaseModel):
    """The result of giving feedback, which is stored once per prediction."""

    prediction_id: str
    status: Literal["stored", "already stored"]


@router.post(
    FEEDBACK,
    name="give_feedback",
    responses={
        201: {"model": FeedbackResult, "description": "Stored."},
        **problems(400, 404, 409, 413, 415, 422, 500, 503),
    },
)
async def give_feedback(request: Request, response: Response, body: FeedbackBody) -> FeedbackResult:
    """Report the observed label, value or reward of a prediction. Repeating the same feedback has no effect.

    Only ids that this API has issued are accepted.
    """
    ids: IdVerifier = request.app.state.ids
    models: Mapping[str, ModelConfig] = request.app.state.models
    store: FeedbackStore = request.app.state.feedback
    prediction, event = parse_prediction_id(body.prediction_id), event_of(request)
    _check_deployed(models, prediction)
    ids.check(prediction)
    event.model = prediction.model
    _check_label(request.app.state.labels, prediction, body.label)
    if not store.put(Feedback(prediction, body.label, body.value, body.reward, body.time)):
        return FeedbackResult(prediction_id=body.prediction_id, status="already stored")
    version = str(prediction.version)
    event.count(metrics.FEEDBACK, Version=version)
    if body.reward is not None:
        event.observe(metrics.REWARD, body.reward, Version=version)
    response.status_code = 201
    return FeedbackResult(prediction_id=body.prediction_id, status="stored")


def _check_deployed(models: Mapping[str, ModelConfig], prediction: PredictionId) -> None:
    model = models.get(prediction.model)
    if model is None:
        raise NotFoundError("model", prediction.model, models)
    if prediction.version not in model.versions:
        raise NotFoundError(f"version of {prediction.model}", str(prediction.version), map(str, model.versions))


def _check_label(labels: Labels, prediction: PredictionId, label: str | None) -> None:
    """Raise InputError for a label that the version cannot predict; it would count as a wrong prediction."""
    known = labels.get((prediction.model, prediction.version))
    if label is not None and known is not None and label not in known:
        named = f"{prediction.model} {prediction.version}"
        raise InputError.of("label", f"must be a label of {named}: {', '.join(known)[:_SHOWN_CHARACTERS]}")
