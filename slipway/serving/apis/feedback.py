"""The HTTP route of feedback."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, Self

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from slipway.config import ModelConfig
from slipway.errors import InputError, NotFoundError
from slipway.models.manifest import Form, Outputs
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
Label = Annotated[str, Field(min_length=1, max_length=256)]

_SHOWN_CHARACTERS = 500
_MOST_ANSWERS = 1000
_SAID = ("label", "labels", "value", "values", "reward")

router = APIRouter(tags=["Feedback"], route_class=JsonRoute, generate_unique_id_function=operation_id)


def _alone(said: str) -> dict[str, Any]:
    """Return the schema of a body in which one field has a value, and the others are null or absent."""
    values = {name: {"not": {"type": "null"}} if name == said else {"type": "null"} for name in _SAID}
    if said == "reward":
        values["probability"] = {"type": "null"}
    return {"required": [said], "properties": values}


class KnowsOutputs(Protocol):
    """Tells the outputs that a version states; `KnownOutputs` does."""

    def get(self, version: tuple[str, int], /) -> Outputs | None:
        """Return a version's outputs, or None if they are not known."""
        ...


class FeedbackBody(Body):
    """Feedback on one prediction: its true answer, in the field of the prediction's answer, or a ``reward``.

    Exactly one of ``label``, ``labels``, ``value``, ``values`` and ``reward`` is given. ``probability`` goes with an
    answer for a record that was drawn at random for labelling: the chance with which it was. Only such answers correct
    the estimated accuracy, since those that come of themselves may be of bad predictions above all.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [_alone(name) for name in _SAID]})

    prediction_id: Annotated[str, Field(pattern=PREDICTION_ID_PATTERN)]
    label: Label | None = None
    labels: Annotated[list[Label], Field(max_length=_MOST_ANSWERS)] | None = None
    value: Number | None = None
    values: Annotated[dict[str, Number], Field(min_length=1, max_length=_MOST_ANSWERS)] | None = None
    reward: Number | None = None
    time: Annotated[AwareDatetime, Field(strict=False)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(getattr(self, name) is not None for name in _SAID) != 1:
            raise ValueError("exactly one of label, labels, value, values and reward is needed")
        if self.reward is not None and self.probability is not None:
            raise ValueError("`probability` is for the true answer of a record that was drawn for labelling")
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
    """Report the observed answer of a prediction, or a reward. Repeating the same feedback has no effect.

    Only ids that this API has issued are accepted.
    """
    ids: IdVerifier = request.app.state.ids
    models: Mapping[str, ModelConfig] = request.app.state.models
    store: FeedbackStore = request.app.state.feedback
    prediction, event = parse_prediction_id(body.prediction_id), event_of(request)
    _check_deployed(models, prediction)
    ids.check(prediction)
    event.model = prediction.model
    _check_answer(request.app.state.outputs, prediction, body)
    if not store.put(_feedback(prediction, body)):
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
    if not model.may_have(prediction.version):
        raise NotFoundError(f"version of {prediction.model}", str(prediction.version), map(str, model.versions))


def _feedback(prediction: PredictionId, body: FeedbackBody) -> Feedback:
    return Feedback(
        prediction,
        label=body.label,
        labels=None if body.labels is None else frozenset(body.labels),
        value=body.value,
        values=body.values,
        reward=body.reward,
        time=body.time,
        probability=body.probability,
    )


def _check_answer(known: KnowsOutputs, prediction: PredictionId, body: FeedbackBody) -> None:
    """Raise InputError for an answer that the version cannot give; it would count as a wrong prediction."""
    outputs = known.get((prediction.model, prediction.version))
    said = next(name for name in _SAID if getattr(body, name) is not None)
    if outputs is None or said == "reward":
        return
    named, form = f"{prediction.model} {prediction.version}", outputs.form
    if said != form and {Form.LABELS, Form.VALUES} & {form, Form(said)}:
        raise InputError.of(said, f"is not what {named} answers; give `{form}`, or a reward")
    if body.label is not None or body.labels is not None:
        given = body.labels if body.label is None else [body.label]
        _require_among(said, given or [], outputs.labels, f"a label of {named}")
    if body.values is not None:
        _require_all(body.values, outputs.target_names, named)


def _require_among(field: str, given: Sequence[str], known: Sequence[str] | None, what: str) -> None:
    if known is not None and not set(given) <= set(known):
        raise InputError.of(field, f"must be {what}: {', '.join(known)[:_SHOWN_CHARACTERS]}")


def _require_all(given: Mapping[str, float], targets: Sequence[str], named: str) -> None:
    if given.keys() != set(targets):
        known = ", ".join(targets)[:_SHOWN_CHARACTERS]
        raise InputError.of("values", f"must have a number for each target of {named}: {known}")
