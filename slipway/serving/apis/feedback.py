"""Feedback over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import to_json

from slipway.config import ModelConfig
from slipway.errors import NotFoundError
from slipway.monitoring.feedback.prediction_ids import PREDICTION_ID_PATTERN, PredictionId, parse_prediction_id
from slipway.monitoring.feedback.store import Feedback, FeedbackStore
from slipway.monitoring.telemetry import metrics
from slipway.serving.http.exchange import Answer, Call, require_json
from slipway.serving.http.routes import Route, Routes
from slipway.serving.prediction.reading import Body, read_json

Number = Annotated[float, Field(allow_inf_nan=False)]


class FeedbackBody(Body):
    """What a prediction turned out to deserve: exactly one of ``label``, ``value`` and ``reward``."""

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


def feedback_routes(models: Mapping[str, ModelConfig], store: FeedbackStore) -> Routes:
    """`POST /v1/feedback` for predictions of ``models``."""

    def put(call: Call) -> Answer:
        require_json(call)
        body = read_json(FeedbackBody, call.body)
        prediction = parse_prediction_id(body.prediction_id)
        _check_deployed(models, prediction)
        call.event.model = prediction.model
        is_new = store.put(Feedback(prediction, body.label, body.value, body.reward, body.time))
        if is_new:
            version = str(prediction.version)
            call.event.count(metrics.FEEDBACK, Version=version)
            if body.reward is not None:
                call.event.observe(metrics.REWARD, body.reward, Version=version)
        answer = {"prediction_id": body.prediction_id, "status": "stored" if is_new else "already stored"}
        return Answer(to_json(answer), 201 if is_new else 200)

    return (Route("POST", "/v1/feedback", put, name="give_feedback"),)


def _check_deployed(models: Mapping[str, ModelConfig], prediction: PredictionId) -> None:
    model = models.get(prediction.model)
    if model is None:
        raise NotFoundError("model", prediction.model, models)
    if prediction.version not in model.versions:
        raise NotFoundError(f"version of {prediction.model}", str(prediction.version), map(str, model.versions))
