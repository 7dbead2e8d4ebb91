"""Declares the routes' error answers for the OpenAPI document, and writes typed answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from slipway.serving.http.errors import PROBLEM_JSON, RETRIED, InferError, Problem

Responses = dict[int | str, dict[str, Any]]
TEXT_MEDIA_TYPES = ("text/", "application/json", PROBLEM_JSON)
"""The media types that a Lambda function answers as text; others are sent in base64, which API Gateway decodes."""

_RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait."}}


def operation_id(route: APIRoute) -> str:
    """Return a route's name as its operation id."""
    return route.name


def problems(*statuses: int) -> Responses:
    """Declare the error statuses of a v1 route."""
    return _errors(statuses, Problem)


def infer_errors(*statuses: int) -> Responses:
    """Declare the error statuses of an Open Inference Protocol route."""
    return _errors(statuses, InferError)


def _errors(statuses: tuple[int, ...], model: type[BaseModel]) -> Responses:
    made: Responses = {}
    for status in statuses:
        made[status] = {"model": model, "description": HTTPStatus(status).phrase}
        if status in RETRIED:
            made[status]["headers"] = _RETRY_AFTER
    return made


def json_response(
    answer: BaseModel, status: int = 200, *, exclude_none: bool = False, exclude_unset: bool = False
) -> Response:
    """Return a typed answer that pydantic serializes in one pass."""
    text = answer.__pydantic_serializer__.to_json(answer, exclude_none=exclude_none, exclude_unset=exclude_unset)
    return raw_response(text, status=status)


def raw_response(
    body: bytes,
    media_type: str = "application/json",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer of the given bytes, without a charset in its media type."""
    return Response(body, status, {**(headers or {}), "content-type": media_type})
