"""Translates errors to HTTP answers; the only module that maps errors to statuses.

Open Inference Protocol routes answer an object with one string; all other routes answer RFC 9457 problem documents.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

from slipway.config.validation import problems_of
from slipway.errors import (
    ConflictError,
    ExpiredError,
    FieldProblem,
    InputError,
    MalformedError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    PredictionError,
    SlipwayError,
    ThrottledError,
    TooLargeError,
    UnavailableError,
)
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import Kind
from slipway.monitoring.telemetry.requests import error_kind
from slipway.serving.http.bodies import UnsupportedMediaTypeError, media_type_problem
from slipway.serving.http.context import event_in, request_id

PROBLEM_JSON = "application/problem+json"
PROBLEMS_SHOWN = 100
RETRY_AFTER_SECONDS = 1
RETRIED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""The statuses of errors that pass, whose answers carry ``Retry-After``."""
_SHOWN_CHARACTERS = 500
_LOG = logging.getLogger("slipway")
# Overload raises thousands of these a second, and a version that cannot be loaded is logged when it is found out.
_EXPECTED = (OverloadedError, ExpiredError, NotLoadedError)

_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (UnsupportedMediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (MalformedError, HTTPStatus.BAD_REQUEST),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (ThrottledError, HTTPStatus.TOO_MANY_REQUESTS),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class WrongField(BaseModel):
    """One invalid field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """An error of a v1 route, in the format of RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[WrongField] | None = None


class InferError(BaseModel):
    """An error of the Open Inference Protocol."""

    error: str


@dataclass(frozen=True, slots=True)
class _Said:
    """The part of an error that the caller sees, without internal details."""

    status: HTTPStatus
    detail: str
    problems: Sequence[FieldProblem] = ()


def error_response(error: BaseException, path: str) -> Response:
    """Return an error answer in the format of the protocol that ``path`` belongs to."""
    if isinstance(error, HTTPException):
        return _response(_http_error(error), path, error.headers)
    return _response(_said(error), path)


async def handle(request: Request, error: Exception) -> Response:
    """Handle every exception that a route raises deliberately, and count it by its kind."""
    translated = _translated(request, error)
    if event := event_in(request.scope):
        event.kind = _kind(translated)
        if isinstance(translated, NotLoadedError):
            event.model = translated.model
            event.count(metrics.NOT_LOADED)
    if isinstance(translated, PredictionError | UnavailableError) and not isinstance(translated, _EXPECTED):
        log_fault(translated, request.scope)
    return error_response(translated, request.scope["path"])


HANDLERS: Mapping[Any, Any] = dict.fromkeys(
    (SlipwayError, RequestValidationError, HTTPException, ClientDisconnect), handle
)


def log_fault(error: BaseException, scope: Scope) -> None:
    """Log a fault of the service; callers' mistakes appear only in metrics."""
    trace = None if isinstance(error, UnavailableError) else error
    _LOG.error("%s: %s", type(error).__name__, error, exc_info=trace, extra={"request": request_id(scope)})


def _translated(request: Request, error: Exception) -> Exception:
    """Translate a framework's exception to Slipway's if there is one."""
    if isinstance(error, RequestValidationError):
        return media_type_problem(request) or _input_error(error)
    if isinstance(error, ClientDisconnect):
        return MalformedError.of("(body)", "the request ended before its body did")
    if isinstance(error, HTTPException) and isinstance(error.__cause__, SlipwayError | ClientDisconnect):
        return _translated(request, error.__cause__)  # FastAPI wraps errors raised while reading a body
    return error


def _kind(error: Exception) -> Kind:
    if isinstance(error, HTTPException):  # from the router: unknown path or method
        return Kind.NOT_FOUND if error.status_code == HTTPStatus.NOT_FOUND else Kind.INPUT
    return error_kind(error)


def _input_error(error: RequestValidationError) -> InputError:
    errors: Sequence[ErrorDetails] = error.errors()
    found: list[ErrorDetails] = [{**each, "loc": each["loc"][1:]} for each in errors]
    if any(each["type"] == "missing" and not each["loc"] for each in found):
        return MalformedError.of("(body)", "is empty; needed is JSON")
    return InputError(problems_of(found, whole="(body)"))


def _said(error: BaseException) -> _Said:
    status = next((status for cls, status in _STATUS if isinstance(error, cls)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, InputError):
        return _Said(status, _input_detail(error.problems), error.problems[:PROBLEMS_SHOWN])
    if isinstance(error, UnavailableError):
        return _Said(status, _unavailable(error))
    if isinstance(error, ThrottledError):
        return _Said(status, f"the {error.dependency} is busy, and you hold your share of its queue; try again later")
    if isinstance(error, NotFoundError | ConflictError):
        return _Said(status, str(error)[:_SHOWN_CHARACTERS])
    if isinstance(error, PredictionError):
        return _Said(status, "the model failed on this input")
    return _Said(status, "something went wrong that is not your fault")


def _unavailable(error: UnavailableError) -> str:
    if isinstance(error, OverloadedError | ExpiredError):
        return f"the {error.dependency} has more to do than it can take; try again later"
    if isinstance(error, NotLoadedError):
        return f"{error.dependency} cannot be loaded: {error.reason}"
    return f"the {error.dependency} is unavailable; try again"


def _http_error(error: HTTPException) -> _Said:
    """Describe a status without an error of Slipway's, e.g. 405."""
    status = HTTPStatus(error.status_code)
    return _Said(status, status.description or status.phrase)


def _response(said: _Said, path: str, headers: Mapping[str, str] | None = None) -> Response:
    added = {"retry-after": str(RETRY_AFTER_SECONDS)} if said.status in RETRIED else {}
    if path == "/v2" or path.startswith("/v2/"):
        # The protocol's clients expect 400 for any invalid input.
        is_input = said.status is HTTPStatus.UNPROCESSABLE_ENTITY
        status = HTTPStatus.BAD_REQUEST if is_input else said.status
        body, media_type = InferError(error=said.detail).model_dump_json(), "application/json"
    else:
        status, media_type = said.status, PROBLEM_JSON
        body = _problem(said, path).model_dump_json(exclude_none=True)
    return Response(body, status, {**added, **(headers or {})}, media_type)


def _problem(said: _Said, path: str) -> Problem:
    wrong = [WrongField(field=each.field[:_SHOWN_CHARACTERS], message=each.message) for each in said.problems]
    return Problem(
        title=said.status.phrase,
        status=said.status.value,
        detail=said.detail,
        instance=path,
        errors=wrong or None,
    )


def _input_detail(problems: Sequence[FieldProblem]) -> str:
    """Return the first problem, and the number of the others."""
    if not problems:
        return "the request is not valid"
    first = f"{problems[0].field[:_SHOWN_CHARACTERS]}: {problems[0].message}"
    return first if len(problems) < 2 else f"{first} (and {len(problems) - 1} more)"
