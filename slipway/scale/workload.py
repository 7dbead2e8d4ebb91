"""What a deployment is asked to carry."""

from dataclasses import dataclass
from typing import Literal

Tier = Literal["light", "heavy"]


@dataclass(frozen=True, slots=True)
class Tasks:
    """How a heavy model's tasks scale. Each answers ``rps`` at the target, and no more than ``most_rps``."""

    least: int = 1
    most: int = 4
    rps: float = 333.0
    most_rps: float = 555.0
    cpu: float = 2.0
    memory_gb: float = 4.0
    start_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests to one deployment, at the highest.

    ``rps`` are requests a second of one record each, spread over ``models`` evenly. A request has ``payload`` bytes and
    gets ``answer`` bytes after ``seconds`` of a light model's environment. It reads ``groups`` feature groups of
    ``group_bytes``; the busiest entity is named by the share ``hot`` of requests. ``captured`` is the share that is
    captured, ``labelled`` the share of those that get a label. ``log_bytes`` are logged of each.
    """

    rps: float
    tier: Tier = "light"
    models: int = 1
    payload: int = 2000
    answer: int = 500
    seconds: float = 0.010
    memory_gb: float = 1769 / 1024
    groups: int = 1
    group_bytes: int = 1000
    hot: float = 0.01
    captured: float = 0.1
    labelled: float = 0.01
    log_bytes: int = 1500
    package_mb: float = 4.0
    tasks: Tasks = Tasks()

    @property
    def capture_bytes(self) -> int:
        """The bytes of one capture's line in the log."""
        return self.payload + self.answer + _CAPTURE_BYTES


_CAPTURE_BYTES = 250
