"""Errors as HTTP answers: RFC 9457 problem documents. The only place that knows which error is which status."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json

from slipway.errors import (
    ConflictError,
    ExpiredError,
    FieldProblem,
    InputError,
    MalformedError,
    NotFoundError,
    OverloadedError,
    PredictionError,
    TooLargeError,
    UnavailableError,
)
from slipway.serving.http.exchange import Answer, UnsupportedMediaTypeError

PROBLEM_JSON = "application/problem+json"
PROBLEMS_SHOWN = 100
RETRY_AFTER_SECONDS = 1
_SHOWN_CHARACTERS = 500

_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (UnsupportedMediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (MalformedError, HTTPStatus.BAD_REQUEST),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the caller may see it: nothing of the inside is in it."""

    status: HTTPStatus
    detail: str
    errors: Sequence[FieldProblem] = ()


def problem_of(error: BaseException) -> Problem:
    """What the caller gets to know of an error."""
    status = next((status for cls, status in _STATUS if isinstance(error, cls)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, InputError):
        return Problem(status, _input_detail(error.problems), error.problems[:PROBLEMS_SHOWN])
    if isinstance(error, OverloadedError | ExpiredError):
        return Problem(status, f"the {error.dependency} has more to do than it can take; try again later")
    if isinstance(error, UnavailableError):
        return Problem(status, f"the {error.dependency} is unavailable; try again")
    if isinstance(error, NotFoundError | ConflictError):
        return Problem(status, str(error)[:_SHOWN_CHARACTERS])
    if isinstance(error, PredictionError):
        return Problem(status, "the model failed on this input")
    return Problem(status, "something went wrong that is not your fault")


def problem_answer(error: BaseException, path: str) -> Answer:
    """An error as a problem document; the `ErrorStyle` of v1."""
    return render(problem_of(error), path)


def render(problem: Problem, path: str) -> Answer:
    """A problem document as an answer; ``path`` is its `instance`."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "instance": path,
    }
    if problem.errors:
        document["errors"] = [{"field": e.field[:_SHOWN_CHARACTERS], "message": e.message} for e in problem.errors]
    return Answer(to_json(document), problem.status.value, PROBLEM_JSON, headers_for(problem.status))


def headers_for(status: HTTPStatus) -> dict[str, str]:
    """The headers that a status brings with it."""
    return {"retry-after": str(RETRY_AFTER_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}


def _input_detail(problems: Sequence[FieldProblem]) -> str:
    """The first problem, and how many there are more."""
    first = (
        f"{problems[0].field[:_SHOWN_CHARACTERS]}: {problems[0].message}" if problems else "the request is not valid"
    )
    return first if len(problems) < 2 else f"{first} (and {len(problems) - 1} more)"


def http_problem(status: int) -> Problem:
    """A status that no error of Slipway's stands for, e.g. 405."""
    known = HTTPStatus(status)
    return Problem(known, known.description or known.phrase)
