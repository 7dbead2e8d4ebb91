"""Server-sent events: a part of a page, sent again whenever it has changed."""

from collections.abc import AsyncIterator, Callable

import anyio
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

POLL_SECONDS = 2.0
_PING_AFTER = 8  # polls without a change, after which a comment keeps the connection in use
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Rendered = tuple[str, bool]
"""A part of a page, and whether it is the last one."""


def stream(render: Callable[[], Rendered], *, last: str, seconds: float = POLL_SECONDS) -> StreamingResponse:
    """Send what ``render`` makes whenever it differs, and the event named ``last`` after the last of it."""
    return StreamingResponse(events(render, last, seconds), media_type="text/event-stream", headers=_HEADERS)


async def events(render: Callable[[], Rendered], last: str, seconds: float) -> AsyncIterator[str]:
    """The text of such a stream."""
    sent, quiet = "", 0
    while True:
        text, is_last = await run_in_threadpool(render)
        quiet = 0 if text != sent else quiet + 1
        if text != sent:
            sent = text
            yield event(text)
        elif quiet % _PING_AFTER == 0:
            yield ": still here\n\n"
        if is_last:
            yield event("", name=last)
            return
        await anyio.sleep(seconds)


def event(text: str, *, name: str | None = None) -> str:
    """One event; without a name, the page puts its text into the element that is connected."""
    head = f"event: {name}\n" if name else ""
    return head + "".join(f"data: {line}\n" for line in (text.splitlines() or [""])) + "\n"
