"""Says of a socket that nobody closed where it was opened: the garbage collector finds it during some later test."""

import socket
import sys
import traceback
from types import SimpleNamespace
from typing import Any

_FRAMES = 60  # botocore has twenty of its own
_RUNNERS = ("/_pytest/", "/pluggy/", "/xdist/", "/execnet/")


def remember_where_sockets_open() -> None:
    """From now on, the warning about a socket that nobody closed has the calls that opened it.

    tracemalloc would say it, too, but slows every test.
    """
    opened: dict[int, traceback.StackSummary] = {}  # no socket can hold it, and an id is used again
    begin, tell = socket.socket.__init__, sys.unraisablehook

    def noted(self: socket.socket, *args: Any, **named: Any) -> None:
        begin(self, *args, **named)
        calls = traceback.walk_stack(sys._getframe(1))
        opened[id(self)] = traceback.StackSummary.extract(calls, limit=_FRAMES, lookup_lines=False)

    def told(unraisable: Any) -> None:
        if isinstance(unraisable.object, socket.socket) and id(unraisable.object) in opened:
            names = ("exc_type", "exc_value", "exc_traceback", "object")
            same = {name: getattr(unraisable, name) for name in names}
            said = f"Nobody closed what was opened here:\n{_shown(opened[id(unraisable.object)])}Ignored in"
            unraisable = SimpleNamespace(**same, err_msg=said)
        tell(unraisable)

    socket.socket.__init__ = noted  # type: ignore[method-assign]
    sys.unraisablehook = told


def _shown(calls: traceback.StackSummary) -> str:
    """The calls without those of pytest, the newest last."""
    ours = [call for call in reversed(calls) if not any(part in call.filename for part in _RUNNERS)]
    return "".join(traceback.StackSummary.from_list(ours).format())
