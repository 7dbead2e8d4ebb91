"""What the routes declare of their answers, and how typed answers are written."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from slipway.serving.http.errors import PROBLEM_JSON, InferError, Problem

Responses = dict[int | str, dict[str, Any]]
TEXT_MEDIA_TYPES = ("text/", "application/json", PROBLEM_JSON)
"""What a Lambda function answers as text; the rest goes in base64, which API Gateway decodes."""

_RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait."}}


def operation_id(route: APIRoute) -> str:
    """The id of a route's operation: its name."""
    return route.name


def problems(*statuses: int) -> Responses:
    """The errors that a route of v1 answers, for its documentation."""
    return _errors(statuses, Problem)


def infer_errors(*statuses: int) -> Responses:
    """The errors that a route of the Open Inference Protocol answers, for its documentation."""
    return _errors(statuses, InferError)


def _errors(statuses: tuple[int, ...], model: type[BaseModel]) -> Responses:
    made: Responses = {}
    for status in statuses:
        made[status] = {"model": model, "description": HTTPStatus(status).phrase}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            made[status]["headers"] = _RETRY_AFTER
    return made


def json_response(answer: BaseModel, status: int = 200, *, exclude_none: bool = False) -> Response:
    """A typed answer, written by pydantic in one pass."""
    return raw_response(answer.__pydantic_serializer__.to_json(answer, exclude_none=exclude_none), status=status)


def raw_response(
    body: bytes,
    media_type: str = "application/json",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer whose bytes are made already; its media type gets no charset."""
    return Response(body, status, {**(headers or {}), "content-type": media_type})
