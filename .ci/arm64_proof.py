"""Start the function `predict` from the bundle on PYTHONPATH, and have every package below a folder prove itself.

``python arm64_proof.py MODELS``; it imports only from the bundle, so it runs the code that Lambda runs.
"""

import json
import platform
import sys
import time
from pathlib import Path

from functions.predict import handler
from slipway.errors import SlipwayError
from slipway.models.measurements.golden import Proof, prove
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor


def main(models: Path) -> int:
    """Print a line for each version; the number of versions that did not prove themselves, and of those left out."""
    assert platform.machine() == "aarch64", platform.machine()
    assert Path(handler.__file__).is_relative_to(sys.path[1]), handler.__file__
    problems = [f"{name} {number}: {failure}" for (name, number), failure in handler._served.failures.items()]
    served = sum(len(handler._served.loaded(name)) for name in handler._served.config.light_models)
    print(f"predict serves {served} versions, {time.process_time():.1f} s of the emulated processor", flush=True)
    folders = sorted(path.parent for path in models.glob("*/*/model.yaml"))
    for folder in folders:
        try:
            print(f"{folder}: {_line(prove(Predictor(load_package(folder))))}", flush=True)
        except SlipwayError as error:
            problems.append(f"{folder}: {error}")
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems or not folders or not served else 0


def _line(proof: Proof | None) -> str:
    if proof is None:
        raise SlipwayError("has no golden records")
    return f"{proof.records} golden records, largest difference {proof.largest:.2g} of {json.dumps(proof.tolerance)}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
