"""Deploy the stacks to the emulator with the ordinary CDK commands."""

import json
from collections.abc import Mapping
from pathlib import Path

from local.environment.processes import run
from local.environment.settings import ACCOUNT, REGION
from local.environment.synthesis import ASSEMBLY, cdk

Outputs = dict[str, dict[str, str]]


def bootstrap(root: Path, folder: Path, environment: Mapping[str, str], log: Path) -> None:
    """Run `cdk bootstrap` in a folder without a cdk.json, which would make it synthesize the app needlessly."""
    command = [*cdk(root), "bootstrap", f"aws://{ACCOUNT}/{REGION}"]
    run("cdk bootstrap", command, folder=folder, environment=environment, log=log)


def deploy(root: Path, folder: Path, environment: Mapping[str, str], log: Path) -> Outputs:
    """Run `cdk deploy` for all stacks of the assembly; returns the outputs by stack and name."""
    outputs = folder / "outputs.json"
    command = [*cdk(root), "deploy", "--all", "--app", str(folder / ASSEMBLY), "--require-approval", "never"]
    command += ["--progress", "events", "--outputs-file", str(outputs)]
    run("cdk deploy", command, folder=folder, environment=environment, log=log)
    found: Outputs = json.loads(outputs.read_text(encoding="utf-8"))
    return found


def output(outputs: Outputs, name: str) -> str:
    """The output of this name, in whichever stack has it."""
    return next(values[name] for values in outputs.values() if name in values)
