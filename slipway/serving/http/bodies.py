"""Reads request bodies as strict JSON."""

from codecs import BOM_UTF8
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from slipway.errors import MalformedError
from slipway.serving.http.intact import require_intact

JSON = "application/json"


class UnsupportedMediaTypeError(MalformedError):
    """The route does not support the body's media type or encoding."""


class JsonRequest(Request):
    """A request whose JSON must be UTF-8 without lone surrogates, which Python's `json` accepts."""

    async def json(self) -> Any:
        """Parse the body; raises UnsupportedMediaTypeError or MalformedError."""
        require_json(self)
        body = await self.body()
        require_intact(self, body)
        try:
            return from_json(body.removeprefix(BOM_UTF8))
        except ValueError as error:
            raise MalformedError.of("(body)", f"Invalid JSON: {error}") from None


class JsonRoute(APIRoute):
    """A FastAPI route that reads its typed body through `JsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def read_strictly(request: Request) -> Response:
            return await handler(JsonRequest(request.scope, request.receive))

        return read_strictly


async def read_json_body(request: Request) -> bytes:
    """Return a JSON body unparsed; raises UnsupportedMediaTypeError if the request declares another type."""
    require_json(request)
    body = await request.body()
    require_intact(request, body)
    return body


def require_json(request: Request) -> None:
    """Raise UnsupportedMediaTypeError if a body declares another type than JSON; without a type it counts as JSON."""
    if problem := media_type_problem(request):
        raise problem


def require_plain(request: Request) -> None:
    """Raise UnsupportedMediaTypeError if the body is compressed by other means than `UnpackBody` reads."""
    if problem := _encoding_problem(request):
        raise problem


def media_type_problem(request: Request) -> UnsupportedMediaTypeError | None:
    """Return the error that prevents reading the body as JSON, or None."""
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type != JSON:
        return UnsupportedMediaTypeError.of("content-type", f"must be {JSON}, not {media_type[:100]!r}")
    return _encoding_problem(request)


def _encoding_problem(request: Request) -> UnsupportedMediaTypeError | None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return UnsupportedMediaTypeError.of(
            "content-encoding", f"must be gzip, deflate or absent, not {encoding[:100]!r}"
        )
    return None
