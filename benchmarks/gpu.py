"""What ONNX Runtime's CUDA makes of packages: throughput beside all processors, and the distance of golden records.

``python -m benchmarks.gpu [FOLDER…]`` measures the packages in models/, or those given, and needs `onnxruntime-gpu` and
a GPU. TF32 is what a slot runs with; the distance without it says how much of the difference is TF32's. The estimate is
that of `slipway model advise` for this GPU's peak, which ``--tflops`` gives: its float32 without tensor cores.
"""

import argparse
import json
import math
import subprocess
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxruntime as ort

from slipway.models.advice.operations import multiply_adds
from slipway.models.gates.measure import measure_throughput
from slipway.models.measurements.golden import GOLDEN, GPU_TOLERANCE, has_golden, prove, read_golden
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.serving.batching.processors import available_processors

MODELS = Path(__file__).resolve().parent.parent / "models"
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
BATCHES = (1, 32, 128)
EFFICIENCY, BATCH_MS = 0.3, 2.0
"""The assumptions of docs/advise.md."""


def main() -> None:
    """Print a row of Markdown for each package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--tflops", type=float, default=67.0, help="the peak in float32; 67 is an H100's")
    given = parser.parse_args()
    print(f"{_gpu()}, ONNX Runtime {ort.__version__}, {available_processors()} processors\n")
    names = ["package", "nodes on the GPU", "golden, largest difference", "without TF32", "allowed"]
    names += [f"{place}, batch {size}" for place in ("processors", "GPU") for size in BATCHES]
    names += ["GPU, estimate, batch 32"]
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for folder in given.packages or sorted(path.parent for path in MODELS.glob("*/*/model.yaml")):
        print(f"| {' | '.join(_row(load_package(folder), given.seconds, given.tflops))} |", flush=True)


def _row(package: Package, seconds: float, tflops: float) -> list[str]:
    manifest = package.manifest
    records = sample_records(package, 128)
    exact = Predictor(package, providers=((CUDA, {"use_tf32": "0"}), CPU))
    gpu = Predictor(package, providers=(CUDA, CPU))
    if gpu.session.get_providers()[0] != CUDA:
        raise SystemExit(f"{CUDA} cannot be used here: is there a GPU, and are CUDA's libraries found?")
    proof, without = prove(gpu, least=math.inf), prove(exact, least=math.inf)
    cpu = Predictor(package, threads=available_processors())
    speeds = [_speed(each, records, size, seconds) for each in (cpu, gpu) for size in BATCHES]
    per_batch = BATCH_MS / 1000 + 2 * multiply_adds(cpu, records[:32]) * 32 / (tflops * 1e12 * EFFICIENCY)
    figures = [f"{proof.largest:.2g}", f"{without.largest:.2g}", f"{_allowed(package):g}"] if proof and without else []
    return [
        f"{manifest.name} {manifest.version}",
        _placed(package),
        *(figures or ["–"] * 3),
        *(f"{speed:,.0f}" for speed in speeds),
        f"{32 / per_batch:,.0f}",
    ]


def _allowed(package: Package) -> float:
    own = read_golden(package.path(GOLDEN)).tolerance if has_golden(package.manifest) else 0.0
    return max(own, GPU_TOLERANCE)


def _speed(predictor: Predictor, records: list[dict[str, Any]], size: int, seconds: float) -> float:
    return measure_throughput(predictor, records, batch=size, seconds=seconds)


def _placed(package: Package) -> str:
    """How many nodes of the optimized graph ran on the GPU, of how many."""
    options = ort.SessionOptions()
    options.enable_profiling, options.log_severity_level = True, 3
    tensors = Predictor(package).task.encode(sample_records(package, 2))
    with TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        graph = str(package.path(package.manifest.graph.file))
        session = ort.InferenceSession(graph, options, providers=[CUDA, CPU])
        session.run(None, tensors)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    nodes = {each["name"]: each["args"]["provider"] for each in events if each.get("args", {}).get("provider")}
    places = Counter(nodes.values())
    return f"{places[CUDA]} of {places.total()}"


def _gpu() -> str:
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
