"""What proving adds to a cold start: processor time of reading and answering the golden records, beside loading.

``python -m benchmarks.golden`` measures every package in models/ in fresh processes, because the first answers of a
graph cost more than later ones.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent / "models"
ROUNDS = 5
_CHILD = """
import json, sys, time
from pathlib import Path
from slipway.models.measurements.golden import prove
from slipway.models.package import checking_package
from slipway.models.prediction.predictor import Predictor
begun = time.process_time()
with checking_package(Path(sys.argv[1])) as package:
    predictor = Predictor(package)
opened = time.process_time()
proof = prove(predictor)
proved = time.process_time()
print(json.dumps([1000 * (opened - begun), 1000 * (proved - opened), proof.records if proof else 0]))
"""


def main() -> None:
    """Print a line per package."""
    print(f"processor time, median of {ROUNDS} processes")
    print(f"{'package':28} {'records':>7} {'load, ms':>9} {'proof, ms':>9}")
    for manifest in sorted(MODELS.glob("*/*/model.yaml")):
        runs = [_run(manifest.parent) for _ in range(ROUNDS)]
        load, proof = (statistics.median(run[place] for run in runs) for place in (0, 1))
        name = manifest.parent.relative_to(MODELS)
        print(f"{name!s:28} {runs[0][2]:7.0f} {load:9.1f} {proof:9.1f}", flush=True)


def _run(folder: Path) -> list[float]:
    command = [sys.executable, "-c", _CHILD, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: list[float] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
