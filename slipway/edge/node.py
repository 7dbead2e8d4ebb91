"""Have an export prove itself in Node, where there is one."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import CheckFailedError

_SECONDS = 300


@dataclass(frozen=True, slots=True)
class NodeProof:
    """A passed proof, with the time of one record alone, of loading, and the resident memory of Node with the model."""

    records: int
    largest: float
    tolerance: float
    median_ms: float
    load_ms: float
    memory_mb: float


def prove_in_node(folder: Path) -> NodeProof | None:
    """Run the export's own proof in Node; None if there is no Node on the path.

    Raises:
        CheckFailedError: the export answers otherwise than its golden records expect, or cannot be loaded.
    """
    node = shutil.which("node")
    if node is None:
        return None
    command = [node, str(folder / "prove.mjs")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise CheckFailedError(f"{folder}: not proved in Node within {_SECONDS} s") from error
    if done.returncode != 0:
        raise CheckFailedError(f"{folder}: not proved in Node: {done.stderr.strip()[-2000:]}")
    return NodeProof(**json.loads(done.stdout))
