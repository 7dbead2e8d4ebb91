"""Whether the process answers, for whatever stands before it."""

from collections.abc import Callable

from slipway.serving.http.exchange import Answer, Call
from slipway.serving.http.routes import Route, Routes


def health_routes(*, is_ready: Callable[[], bool] = lambda: True) -> Routes:
    """`GET /ping`, as SageMaker asks it; the Open Inference Protocol has its own.

    An app that exists has loaded and checked its models, unless ``is_ready`` says no.
    """

    def ping(_: Call) -> Answer:
        return Answer(b'{"status":"ready"}') if is_ready() else Answer(b'{"status":"not ready"}', 503)

    return (Route("GET", "/ping", ping, name="ping"),)
