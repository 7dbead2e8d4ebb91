"""Errors as the Open Inference Protocol has them: an object with one string."""

from http import HTTPStatus

from pydantic_core import to_json

from slipway.serving.http.errors import Problem, headers_for, problem_of
from slipway.serving.http.exchange import Answer


def oip_error(error: BaseException, path: str) -> Answer:  # noqa: ARG001 - the style of v1 needs the path
    """The `ErrorStyle` of the protocol."""
    return render_oip(problem_of(error))


def render_oip(problem: Problem) -> Answer:
    """The protocol's clients know 400 for every wrong input."""
    status = HTTPStatus.BAD_REQUEST if problem.status is HTTPStatus.UNPROCESSABLE_ENTITY else problem.status
    return Answer(to_json({"error": problem.detail}), status.value, headers=headers_for(status))
