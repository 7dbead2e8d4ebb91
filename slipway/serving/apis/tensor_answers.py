"""Converts predictions to the tensors of an Open Inference Protocol answer, all of which have one form."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response
from pydantic import BaseModel, JsonValue
from pydantic_core import to_json

from slipway.models.answer_forms import OWN_TASK, AnswerForm
from slipway.models.manifest import Form
from slipway.serving.apis.tensors import BYTES, InferRequest, OutputTensor
from slipway.serving.http.responses import raw_response
from slipway.serving.prediction.request import ByRecord, Place, Prediction, PredictionRequest
from slipway.serving.prediction.served import ServedModels

BINARY = "application/octet-stream"
PREDICTION_ID = "prediction_id"


class OutputTensorBody(BaseModel):
    """An output tensor; its values follow the JSON as bytes if ``parameters`` has their size."""

    name: str
    datatype: str
    shape: list[int]
    data: list[JsonValue] | None = None
    parameters: dict[str, JsonValue] | None = None


class PrecomputedParameters(BaseModel):
    """How many records a batch job has answered ahead of the request, and when it made the oldest of the answers."""

    precomputed: int
    precomputed_at: str


class InferResponse(BaseModel):
    """The outputs of an inference request."""

    model_name: str
    model_version: str | None = None
    id: str | None = None
    parameters: PrecomputedParameters | None = None
    outputs: list[OutputTensorBody]


class ByForm(ByRecord):
    """Places records like `ByRecord`, and has the stable version answer those that its tensors cannot be mixed with.

    That is the case if versions of one request answer in different forms, or lack an output that is requested.

    Args:
        models: the models of this process.
        wanted: the request.
    """

    def __init__(self, models: ServedModels, wanted: InferRequest) -> None:
        super().__init__(models.releases)
        self._models = models
        self._wanted = {output.name for output in wanted.outputs}

    def misfits(self, request: PredictionRequest) -> list[Place]:
        stable = self._models.releases.of(request.model).stable
        if request.version is not None or all(place.version == stable for place in request.places):
            return []
        model, form_of = request.model, self._models.answer_form
        first, *others = {form_of(model, place.version, place.output or {}) for place in request.places}
        if not others and self._wanted <= {name for name, _, _ in output_tensors(first)}:
            return []
        return [place for place in request.places if place.version != stable]


def output_tensors(form: AnswerForm) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return name, datatype and shape of one record's outputs. A user's own task answers JSON as text.

    A multi-label version answers for each label, in the manifest's order, whether it applies.
    """
    return [*_answer_tensors(form), (PREDICTION_ID, BYTES, ())]


def _answer_tensors(form: AnswerForm) -> list[tuple[str, str, tuple[int, ...]]]:
    columns = (len(form.columns),)
    match form.form:
        case None:
            return [("output", BYTES, ())]
        case Form.LABEL:
            return [("label", BYTES, ()), ("score", "FP32", ()), ("scores", "FP32", columns)]
        case Form.LABELS:
            return [("labels", "BOOL", columns), ("scores", "FP32", columns)]
        case Form.VALUE:
            return [("value", "FP64", ())]
        case Form.VALUES:
            return [("values", "FP64", columns)]


def infer_response(request: InferRequest, model: str, predictions: Sequence[Prediction], form: AnswerForm) -> Response:
    """Return predictions of one form as the requested tensors, as JSON or in binary."""
    head: dict[str, Any] = {"model_name": model, "outputs": []}
    versions = {made.version for made in predictions}
    if len(versions) == 1:
        head["model_version"] = str(versions.pop())
    if request.id:
        head["id"] = request.id
    if ahead := [made.made_at for made in predictions if made.made_at is not None]:
        head["parameters"] = PrecomputedParameters(precomputed=len(ahead), precomputed_at=min(ahead).isoformat())
    behind: list[bytes] = []
    for tensor, is_binary in _wanted(request, _tensors(form, predictions)):
        raw = tensor.to_bytes() if is_binary else None
        head["outputs"].append(tensor.described(binary_size=None if raw is None else len(raw)))
        if raw is not None:
            behind.append(raw)
    body = to_json(head)
    if not behind:
        return raw_response(body)
    return raw_response(b"".join([body, *behind]), BINARY, headers={"Inference-Header-Content-Length": str(len(body))})


def _tensors(form: AnswerForm, predictions: Sequence[Prediction]) -> list[OutputTensor]:
    return [
        OutputTensor(name, datatype, (len(predictions), *shape), _column(form, name, predictions))
        for name, datatype, shape in output_tensors(form)
    ]


def _column(form: AnswerForm, name: str, predictions: Sequence[Prediction]) -> list[Any]:
    if name == PREDICTION_ID:
        return [made.id for made in predictions]
    if form == OWN_TASK:
        return [to_json(made.output).decode() for made in predictions]
    if name == Form.LABELS:
        return [label in made.output[name] for made in predictions for label in form.columns]
    if name in ("scores", Form.VALUES):
        return [made.output[name][column] for made in predictions for column in form.columns]
    return [made.output[name] for made in predictions]


def _wanted(request: InferRequest, tensors: Sequence[OutputTensor]) -> list[tuple[OutputTensor, bool]]:
    """Select the requested tensors, each with whether it is requested in binary."""
    default = request.parameters.get("binary_data_output") is True
    if not request.outputs:
        return [(tensor, default) for tensor in tensors]
    by_name = {tensor.name: tensor for tensor in tensors}
    return [(by_name[output.name], output.parameters.get("binary_data", default) is True) for output in request.outputs]
