"""The templates of a deploy: synthesized from this checkout, or those that are deployed."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from slipway.config.deployment.stacks import stack_names
from slipway.errors import CheckFailedError, NotFoundError

APP = Path("app.py")
CDK_SETTINGS = Path("cdk.json")
_SUFFIX = ".template.json"

Template = dict[str, Any]


def synthesize(config: Path, environment: str | None) -> dict[str, Template]:
    """The templates of all stacks by name, without building bundles or images and without an account.

    Raises:
        NotFoundError: there is no CDK app in this folder.
        CheckFailedError: the synthesis failed; the message is its output.
    """
    if not APP.exists():
        raise NotFoundError("CDK app", str(APP), way_out="run this in the folder of a project")
    context = {**_context(), **deploy_context(config, environment), "slipway:target": "host"}
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        variables = {"CDK_OUTDIR": folder, "CDK_CONTEXT_JSON": json.dumps(context)}
        done = subprocess.run(
            [sys.executable, str(APP)], env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CheckFailedError(
                f"the templates cannot be synthesized:\n{done.stderr.strip() or done.stdout.strip()}"
            )
        return {file.name.removesuffix(_SUFFIX): _read(file) for file in sorted(Path(folder).glob(f"*{_SUFFIX}"))}


def deploy_context(config: Path, environment: str | None) -> dict[str, str]:
    """The CDK context that chooses a slipway.yaml and its environment."""
    chosen = {} if environment is None else {"slipway:environment": environment}
    return {"slipway:config": str(config.resolve()), **chosen}


def deployed_templates(
    project: str, options: Mapping[str, Any] | None = None, client: Any | None = None
) -> dict[str, Template]:
    """The templates of a project's deployed stacks, by name; raises UnavailableError."""
    from slipway.aws.clients import new_client
    from slipway.aws.stacks import stack_template

    client = client or new_client("cloudformation", options or {})
    names = stack_names(project)
    with ThreadPoolExecutor() as pool:
        found = dict(zip(names, pool.map(lambda name: stack_template(name, client=client), names), strict=True))
    return {name: template for name, template in found.items() if template is not None}


def _context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads(CDK_SETTINGS.read_text(encoding="utf-8")).get("context", {})
    return context


def _read(file: Path) -> Template:
    template: Template = json.loads(file.read_text(encoding="utf-8"))
    return template
