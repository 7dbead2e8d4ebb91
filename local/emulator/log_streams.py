"""Let a log group be described while functions write to it.

MiniStack goes through the streams, while each call of a function adds one in another thread: "dictionary changed size
during iteration", and the description fails.
"""

from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch_logs

Group = dict[str, Any]


class Streams(dict[str, Any]):
    """The streams of a log group. Who goes through them sees those of the moment when it began."""

    def values(self) -> list[Any]:  # type: ignore[override]
        """The streams, which another thread may add to meanwhile."""
        return list(super().values())

    def items(self) -> list[tuple[str, Any]]:  # type: ignore[override]
        """Names and streams, likewise."""
        return list(super().items())


class Groups(AccountRegionScopedDict):
    """Log groups by name, of which each gets `Streams`."""

    __slots__ = ()

    def __setitem__(self, name: str, group: Group) -> None:
        group["streams"] = Streams(group["streams"])
        super().__setitem__(name, group)


def install() -> None:
    """Make this process's MiniStack keep its log groups so."""
    cloudwatch_logs._log_groups.__class__ = Groups
