"""A route as data: what matches it, what answers it, and how it answers errors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.errors import NotFoundError
from slipway.serving.http.errors import problem_answer
from slipway.serving.http.exchange import Call, Endpoint, ErrorStyle

_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path, e.g. ``POST /v1/models/{model}/predict``.

    ``timed`` routes are those whose latency is a metric: the predictions.
    """

    method: str
    path: str
    endpoint: Endpoint
    style: ErrorStyle = problem_answer
    timed: bool = False
    name: str = ""


Routes = Sequence[Route]


def version_parameter(call: Call) -> int | None:
    """The version that the path names, if it names one; raises NotFoundError for what cannot be a version."""
    text = call.parameters.get("version")
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise NotFoundError(f"version of {call.parameters['model'][:100]}", text[:100])
    return int(text)
