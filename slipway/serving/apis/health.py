"""SageMaker's health route and the process's readiness; the Open Inference Protocol has its own health routes."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from slipway.serving.http.responses import json_response, operation_id

router = APIRouter(tags=["Models"], generate_unique_id_function=operation_id)


class Ping(BaseModel):
    """Whether the process accepts requests."""

    status: Literal["ready", "not ready"]


class Readiness:
    """Whether the process accepts new requests."""

    def __init__(self) -> None:
        self.is_ready = True

    def end(self) -> None:
        """Report not ready from now on; requests that still arrive are answered."""
        self.is_ready = False


def is_ready(request: Request) -> bool:
    """Whether the app accepts requests. An app that exists has loaded and checked its models."""
    readiness: Readiness = request.app.state.readiness
    return readiness.is_ready


@router.get("/ping", name="ping", response_model=Ping, responses={503: {"model": Ping}})
async def ping(request: Request) -> Response:
    """Report the process's health to SageMaker."""
    return json_response(Ping(status="ready")) if is_ready(request) else json_response(Ping(status="not ready"), 503)
