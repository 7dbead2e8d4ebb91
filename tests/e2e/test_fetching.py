"""A version that is only in the registry, deployed and asked: the rights of its role are those of the template."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.packages import make_text_package
from typer.testing import CliRunner

from local.environment.settings import cdk_environment
from local.environment.state import State
from slipway.cli import app
from slipway.models.registry.fetching import RETRY_SECONDS

# A project of its own in the same account: its stacks stand beside those of the checkout.
SETTINGS = """
project: fetching
batch: { enabled: false }
models:
  tiny-sentiment:
    versions: [1, 2]
    stable: 1
    gates: { max_package_bytes: 100000 }
"""
SECOND = "/v1/models/tiny-sentiment/versions/2/predict"


@pytest.fixture(scope="module")
def project(running: State, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folder, with version 1 and without version 2; `outputs.json` has what was deployed."""
    folder = tmp_path_factory.mktemp("fetching")
    (folder / "slipway.yaml").write_text(SETTINGS, "utf-8")
    make_text_package(folder / "models/tiny-sentiment/1")
    cdk = [str(checkout / "node_modules/.bin/cdk"), "--no-notices", "deploy", "--all", "--require-approval", "never"]
    context = ["--context", "slipway:target=host", "--context", f"slipway:config={folder / 'slipway.yaml'}"]
    output = ["--output", str(folder / "cdk.out"), "--outputs-file", str(folder / "outputs.json")]
    done = subprocess.run(
        [*cdk, *context, *output],
        cwd=checkout,
        env=cdk_environment(os.environ, emulator=running.emulator),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tiny-sentiment: version 2 of slipway.yaml is not here" in done.stderr + done.stdout
    return folder


def test_a_version_of_the_registry_serves(
    project: Path, running: State, aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = json.loads((project / "outputs.json").read_text("utf-8"))
    register(project, running, outputs["fetching-state"], monkeypatch)

    function = outputs["fetching-serving"]["PredictFunction"]
    answer = ask(aws, function, SECOND)
    waited_until = time.monotonic() + 2 * RETRY_SECONDS
    # Where the function was started before the registration, it asks again after a while.
    while answer["statusCode"] == 503 and time.monotonic() < waited_until:
        time.sleep(1)
        answer = ask(aws, function, SECOND)

    assert answer["statusCode"] == 200, answer
    (prediction,) = json.loads(answer["body"])["predictions"]
    assert (prediction["version"], prediction["label"]) == (2, "positive")


def register(project: Path, running: State, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the package of version 1 twice, as versions 1 and 2 of the registry."""
    keys = running.credentials
    for name, value in {
        "AWS_ENDPOINT_URL": running.emulator,
        "AWS_DEFAULT_REGION": running.region,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
    }.items():
        monkeypatch.setenv(name, value)
    where = ["--table", outputs["ControlTable"], "--bucket", outputs["ModelBucket"]]
    command = ["model", "register", "tiny-sentiment", "1", "--config", str(project / "slipway.yaml"), *where]
    for _ in range(2):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.exception


def ask(aws: Any, function: str, path: str) -> dict[str, Any]:
    """What the function answers through its alias, as the API calls it."""
    event = json.loads((Path(__file__).parents[1] / "events/predict.json").read_text("utf-8"))
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    client = aws("lambda")
    client.get_waiter("published_version_active").wait(FunctionName=function, Qualifier="live")
    answer = client.invoke(FunctionName=function, Qualifier="live", Payload=json.dumps(event))
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found
