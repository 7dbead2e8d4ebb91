"""How busy the GPUs are, as the driver's own tool tells."""

import subprocess
from collections.abc import Sequence
from statistics import fmean

_COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
_TIMEOUT_SECONDS = 5.0


def gpu_utilization(command: Sequence[str] = _COMMAND) -> float | None:
    """The mean over the GPUs of this task, in percent; None where the tool is missing or does not answer."""
    try:
        found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)
        return fmean(float(line) for line in found.stdout.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
