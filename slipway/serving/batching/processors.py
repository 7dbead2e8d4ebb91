"""Counts the processors that this process may use, which in a container are fewer than the machine's."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def available_processors(*, cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> int:
    """Return the smallest of the affinity and the control groups' quotas, rounded up; at least 1."""
    allowed: list[float] = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    allowed += _quotas(cgroups, own)
    return max(1, math.ceil(min(allowed)))


def _quotas(cgroups: Path, own: Path) -> Iterator[float]:
    """Yield the quotas of the process's groups, from its own up to the root, in processors."""
    for controller, path in _groups(own):
        for group in (path, *path.parents):
            yield from _quota_of(cgroups / controller / group.relative_to("/"))


def _groups(own: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Parse /proc/self/cgroup: lines are `0::/path` in version 2 and `4:cpu,cpuacct:/path` in version 1."""
    for line in _read(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield "", PurePosixPath(path)
        elif "cpu" in controllers.split(","):
            yield "cpu", PurePosixPath(path)


def _quota_of(group: Path) -> Iterator[float]:
    quota, _, period = _read(group / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = _read(group / "cpu.cfs_quota_us").strip(), _read(group / "cpu.cfs_period_us").strip()
    if quota.isdecimal() and period.isdecimal() and int(period) > 0:
        yield int(quota) / int(period)


def _read(path: Path) -> str:
    """Return a file's content, or an empty string if it cannot be read: not every kernel has every file."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
