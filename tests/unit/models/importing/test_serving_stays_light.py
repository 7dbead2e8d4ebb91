"""Neither serving nor other commands load the dependencies of imports."""

import subprocess
import sys

import pytest

HEAVY = ("onnx", "sklearn", "skl2onnx", "onnxscript", "pandas", "torch", "transformers", "safetensors")


@pytest.mark.parametrize(
    "modules",
    [
        "slipway.cli",
        "slipway.serving.http.app, slipway.models.bundle, slipway.models.prediction.predictor",
        "functions.predict.handler",
        "slipway.models.importing.importer",
    ],
)
def test_no_heavy_framework_is_imported(modules: str) -> None:
    script = f"import sys, {modules}; print([m for m in {HEAVY!r} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
