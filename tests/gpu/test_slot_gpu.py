"""A slot with `compute: gpu` as a process: ready on the GPU, it answers as a processor does, and counts the GPU."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from local.emulator.addresses import unused_address
from slipway.models.measurements.golden import GPU_TOLERANCE, distances
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

REPOSITORY = Path(__file__).parents[2]
MODEL, VERSION, PORT, SECONDS = "tweet-sentiment", 3, 8080, 120.0
CONFIG = f"""
project: demo
models:
  {MODEL}: {{tier: heavy, versions: [{VERSION}], stable: {VERSION}, heavy: {{compute: gpu, cpu: 4}}}}
network: {{nat_gateways: 1}}
"""
# Housekeeping asks `nvidia-smi` every ten seconds.
_COUNTED_AFTER = 12.0


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    shutil.copytree(REPOSITORY / "models" / MODEL / str(VERSION), tmp_path / "models" / MODEL / str(VERSION))
    host = unused_address(PORT)
    own = {
        "SLIPWAY_ROOT": str(tmp_path),
        "SLIPWAY_MODEL": MODEL,
        "SLIPWAY_VERSION": str(VERSION),
        "SLIPWAY_DRAIN_SECONDS": "0",
        "SLIPWAY_HOST": host,
        "PORT": str(PORT),
    }
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **own, "PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-m", "container"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process, f"http://{host}:{PORT}"
        process.kill()


def until_ready(process: subprocess.Popen[str], address: str) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[0]
        try:
            if httpx.get(f"{address}/v2/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not become ready")


def test_a_slot_serves_on_the_gpu_what_a_processor_would(
    slot: tuple[subprocess.Popen[str], str], record_property: Callable[[str, object], None]
) -> None:
    process, address = slot
    package = load_package(REPOSITORY / "models" / MODEL / str(VERSION))
    until_ready(process, address)
    ready = time.monotonic()
    records = sample_records(package, 64)
    answered = httpx.post(f"{address}/v1/models/{MODEL}/predict", json={"inputs": records}, timeout=SECONDS)
    assert answered.status_code == 200, answered.text
    found = [{"scores": each["scores"]} for each in answered.json()["predictions"]]
    expected = [{"scores": each["scores"]} for each in Predictor(package).predict(records)]
    assert max(distances(expected, found)) <= GPU_TOLERANCE

    time.sleep(max(0.0, ready + _COUNTED_AFTER - time.monotonic()))
    process.send_signal(signal.SIGTERM)
    lines = [json.loads(line) for line in process.communicate(timeout=SECONDS)[0].splitlines()]
    assert process.returncode == 0
    [plan] = [line["message"] for line in lines if "chose Plan(" in line.get("message", "")]
    record_property("plan", plan)
    counted = [line["GpuUtilization"] for line in lines if "GpuUtilization" in line]
    assert counted, lines
