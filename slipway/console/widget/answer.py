"""What the widget answers: its documentation, a picture as SVG, or why there is none. All text is escaped."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup

from slipway.console.widget.asked import parse_asked
from slipway.console.widget.reading import Shown, Sources, read_picture
from slipway.console.widget.svg import render
from slipway.errors import SlipwayError

DESCRIBE = "describe"
DOCUMENTATION = """## Slipway: drift, accuracy and weights
The pictures of `slipway console`, drawn of profiles, the monitor's state, labels and release records.

### Widget parameters
Param | Description
---|---
**picture** | `drift`: columns by effect, in the window that the alarms look at. `accuracy`: by hour, in the \
dashboard's time range, at most seven days of it. `weights`: the share of traffic of each version.
**model** | The model, which must be captured for `drift` and `accuracy`. Without it, `weights` shows all.
**version** | The version (optional). Default: the stable one.

### Example parameters
``` yaml
picture: drift
model: tweet-sentiment
```"""

_PAGE = Markup("<p>{heading}</p>\n{svg}\n<details><summary>{label}: as a table</summary>{table}</details>")


def answer(event: Mapping[str, Any], sources: Sources, now: datetime, draw: Callable[..., str] = render) -> str:
    """The Markdown that describes the widget, or the HTML of what is asked for."""
    if DESCRIBE in event:
        return DOCUMENTATION
    try:
        asked = parse_asked(event)
        shown, context = read_picture(asked, sources, now), asked.context
        svg = draw(shown.chart, width=context.width, height=context.height, theme=context.theme)
    except SlipwayError as error:
        return Markup("<p>{problem}</p>").format(problem=str(error))
    return _page(shown, svg)


def _page(shown: Shown, svg: str) -> str:
    chart = shown.chart
    picture = Markup(svg)  # noqa: S704 - Vega escapes the values that it draws
    return _PAGE.format(heading=shown.heading, svg=picture, label=chart.label, table=_table(chart.columns, chart.rows))


def _table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in columns)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(value) for value in row))
        for row in rows
    )
    return Markup("<table><tr>{}</tr>{}</table>").format(head, body)
