"""Reads GPU utilization from `nvidia-smi`."""

import subprocess
from collections.abc import Sequence
from statistics import fmean

_COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
_TIMEOUT_SECONDS = 5.0


def gpu_utilization(command: Sequence[str] = _COMMAND) -> float | None:
    """Return the mean utilization of this task's GPUs in percent, or None if the tool is missing or fails."""
    try:
        found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)
        return fmean(float(line) for line in found.stdout.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
