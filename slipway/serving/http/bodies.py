"""The bodies of requests: JSON, read strictly and once."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from slipway.errors import MalformedError

JSON = "application/json"


class UnsupportedMediaTypeError(MalformedError):
    """The body is of a type or encoding that the route does not read."""


class JsonRequest(Request):
    """A request whose JSON must be UTF-8 without lone surrogates, which Python's own reader lets through."""

    async def json(self) -> Any:
        """The body; raises UnsupportedMediaTypeError and MalformedError."""
        require_json(self)
        try:
            return from_json(await self.body())
        except ValueError as error:
            raise MalformedError.of("(body)", f"Invalid JSON: {error}") from None


class JsonRoute(APIRoute):
    """A route of FastAPI whose typed body is read as `JsonRequest` does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def read_strictly(request: Request) -> Response:
            return await handler(JsonRequest(request.scope, request.receive))

        return read_strictly


async def read_json_body(request: Request) -> bytes:
    """The body of a request that says it is JSON, or says nothing; raises UnsupportedMediaTypeError."""
    require_json(request)
    return await request.body()


def require_json(request: Request) -> None:
    """Refuse a body that says it is not JSON; a body without a type is taken for JSON."""
    if problem := media_type_problem(request):
        raise problem


def require_plain(request: Request) -> None:
    """Refuse a compressed body."""
    if problem := _encoding_problem(request):
        raise problem


def media_type_problem(request: Request) -> UnsupportedMediaTypeError | None:
    """What keeps a body from being read as JSON."""
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type != JSON:
        return UnsupportedMediaTypeError.of("content-type", f"must be {JSON}, not {media_type[:100]!r}")
    return _encoding_problem(request)


def _encoding_problem(request: Request) -> UnsupportedMediaTypeError | None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return UnsupportedMediaTypeError.of("content-encoding", f"must be absent: {encoding[:100]!r} is not read")
    return None
