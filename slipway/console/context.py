"""What a page's functions get: the workspace, the parts read of it, and the renderer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from slipway.console.rendering import Renderer
from slipway.console.settings import ConsoleSettings
from slipway.console.tiles import TileCache
from slipway.console.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person is asked before an action.

    ``sentences`` say what will happen; ``fields`` go with the form to ``action``; ``back`` is the page to return to.
    """

    question: str
    sentences: Sequence[str]
    action: str
    button: str
    back: str
    fields: Mapping[str, object] = field(default_factory=dict)
    ask_reason: bool = False
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """One console."""

    settings: ConsoleSettings
    workspace: Workspace
    tiles: TileCache
    renderer: Renderer

    def page(
        self, request: Request, template: str, *, model: str | None = None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page of a template's; with ``model``, it has that model's tabs."""
        text = self.renderer.render(template, path=request.url.path, model=model, **values)
        return HTMLResponse(text, status)

    def confirm(self, request: Request, asked: Confirmation, *, model: str | None = None) -> HTMLResponse:
        """The page that asks before an action; with ``model``, it has that model's tabs."""
        return self.page(request, "confirm.html", model=model, asked=asked)

    def part(self, request: Request, template: str, *, model: str | None = None, **values: Any) -> str:
        """A part of a page, as streams send it."""
        return self.renderer.render(template, path=request.url.path, model=model, **values)

    def done(self, address: str) -> RedirectResponse:
        """Lead to a page after an action; what was read before the action is read anew."""
        self.tiles.forget()
        return RedirectResponse(address, 303)


def _console(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


Here = Annotated[Console, Depends(_console)]
"""The parameter of a page's function that gives it the console."""
