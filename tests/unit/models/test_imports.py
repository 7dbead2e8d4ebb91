"""Cold starts stay cheap: serving imports neither the registry nor the package checks."""

import json
import subprocess
import sys

import pytest

OTHERS = ("registry", "versions", "checking", "gates", "labelled", "measure", "memory", "s3", "dynamodb", "advice")


@pytest.mark.parametrize("module", ["slipway.models.bundle", "slipway.models.prediction.predictor"])
def test_serving_imports_only_what_it_needs(module: str):
    program = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"boto3", "botocore", "typer", *(f"slipway.models.{name}" for name in OTHERS)}
