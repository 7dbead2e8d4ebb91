"""Whether the process answers, for whatever stands before it."""

from slipway.serving.exchange import Answer, Call
from slipway.serving.routes import Route, Routes


def health_routes() -> Routes:
    """`GET /ping`, as SageMaker asks it; the Open Inference Protocol has its own."""
    return (Route("GET", "/ping", ping, name="ping"),)


def ping(_: Call) -> Answer:
    """An app that exists has loaded and checked its models."""
    return Answer(b'{"status":"ready"}')
