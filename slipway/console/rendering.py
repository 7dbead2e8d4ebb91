"""Turns templates into pages. Everything that a template is given is escaped, since a captured tweet may be HTML."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from slipway.console import charts
from slipway.console.navigation import Page, model_links, project_links
from slipway.console.settings import ConsoleSettings

_IN_BACKTICKS = re.compile("`([^`\n]+)`")
SCRIPTS = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.js": "htmx.org/dist/ext/hx-sse.min.js",
    "vega.js": "vega/build/vega.min.js",
    "vega-lite.js": "vega-lite/build/vega-lite.min.js",
    "vega-embed.js": "vega-embed/build/vega-embed.min.js",
}
"""The scripts that pages load, by the name that the console gives them, in `node_modules`."""


class Renderer:
    """Renders the templates of one console."""

    def __init__(self, settings: ConsoleSettings, pages: Sequence[Page]) -> None:
        self._pages = pages
        self._environment = Environment(
            loader=PackageLoader("slipway.console"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            token=settings.token,
            read_only=settings.read_only,
            scripted=_scripted(settings.node_modules),
            sparkline=charts.sparkline,
        )
        self._environment.filters.update(
            time=_time, ago=_ago, percent=_percent, count=_count, ms=_ms, size=_size, numbers=_numbers, code=_code
        )

    def render(self, template: str, *, path: str, model: str | None = None, **values: Any) -> str:
        """A page or a part of one; ``path`` is the request's, and ``model`` the one whose tabs are shown."""
        links = project_links(self._pages, path)
        tabs = model_links(self._pages, path, model) if model else []
        found = self._environment.get_template(template)
        return found.render(path=path, model=model, links=links, tabs=tabs, now=datetime.now(UTC), **values)


def _code(text: str) -> Markup:
    """A message, escaped, whose commands and keys in backticks are shown as such."""
    return Markup(_IN_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped


def _scripted(node_modules: Path) -> bool:
    """Whether the scripts are there; without them, pages can still be read."""
    return all((node_modules / script).is_file() for script in SCRIPTS.values())


def _time(at: datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _ago(at: datetime | None, now: datetime | None = None) -> str:
    """`12 s`, `5 min`, `3 h`, `2 days`: how long ago something was."""
    if at is None:
        return "–"
    seconds = max(((now or datetime.now(UTC)) - at).total_seconds(), 0.0)
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def _percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def _count(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _ms(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:,.1f} ms"


def _numbers(names: Sequence[str]) -> list[str]:
    """The headings of columns of numbers, as the table's macro marks them."""
    return [f"#{name}" for name in names]


def _size(size: float) -> str:
    return f"{size / 1e6:,.2f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"
