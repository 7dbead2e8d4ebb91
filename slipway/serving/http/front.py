"""What answers first: predictions without FastAPI, and everything else by the FastAPI app, made when first needed.

Importing FastAPI takes longer than importing NumPy and ONNX Runtime and opening a model together, so a process that
must be ready soon leaves it for the calls that can wait. Both ways run the same endpoints through the same `Exchange`.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from slipway.serving.http.exchange import ErrorStyle, Exchange, Receive, Scope, Send, send_answer
from slipway.serving.http.routes import Route, Routes

_PATHS_KEPT = 64  # callers choose paths, so not all of them


class Front:
    """An ASGI app before an ASGI app.

    Args:
        routes: what is answered here: those with ``timed`` set, and no others.
        exchange: runs the endpoints.
        make_app: makes the app that answers the rest.
    """

    def __init__(self, routes: Routes, exchange: Exchange, make_app: Callable[[], Any]) -> None:
        self._routes = [(route, tuple(route.path.split("/"))) for route in routes if route.timed]
        self._exchange = exchange
        self._make_app = make_app
        self._match = lru_cache(_PATHS_KEPT)(self._find)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._match(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        route, parameters = found
        answer = await self._exchange.run(route.endpoint, route.style, scope, receive, parameters, timed=True)
        await send_answer(answer, send)

    def is_its_own(self, scope: Scope) -> bool:
        """Whether it answers a request itself, without the app behind it."""
        return self.style_of(scope) is not None

    def style_of(self, scope: Scope) -> ErrorStyle | None:
        """How it answers the errors of a request that it answers itself; None where the app behind it does."""
        found = self._match(scope["method"], scope["path"]) if scope["type"] == "http" else None
        return found and found[0].style

    def prepare(self) -> None:
        """Make the app behind this one now, where the time of it does not count."""
        _ = self._app

    @cached_property
    def _app(self) -> Any:
        return self._make_app()

    def _find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        parts = path.split("/")
        for route, pattern in self._routes:
            if len(pattern) == len(parts) and route.method == method:
                parameters = _parameters(pattern, parts)
                if parameters is not None:
                    return route, parameters
        return None


def _parameters(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    """The values of the ``{…}`` segments; None where another segment differs or a value is empty."""
    parameters = {}
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            if not part:
                return None
            parameters[expected[1:-1]] = part
        elif expected != part:
            return None
    return parameters
