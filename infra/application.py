"""From slipway.yaml to stacks, for app.py and for the tests."""

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.bundle import Target, build_bundle
from infra.models import load_deployed_models
from infra.stacks.serving import ServingStack
from infra.stacks.state import StateStack
from slipway.config import load_config
from slipway.errors import ConfigError, FieldProblem

FUNCTIONS = ("predict", "features", "feedback")


@dataclass(frozen=True)
class Stacks:
    """The stacks of one slipway.yaml."""

    state: StateStack
    serving: ServingStack


def add_stacks(app: cdk.App, *, config_file: Path, target: str | None = None) -> Stacks:
    """Add the stacks that ``config_file`` describes, and the checks that fail a synth.

    Raises:
        ConfigError: slipway.yaml is wrong, by path; or ``target`` (the context ``slipway:target``) is.
        PackageError: a file of a deployed package is missing or altered.
    """
    config_file = config_file.resolve()
    config = load_config(config_file)
    models = load_deployed_models(config, root=config_file.parent, config_file=config_file)
    bundles = {
        function: build_bundle(
            function, _target(target), root=config_file.parent, config_file=config_file, config=config
        )
        for function in FUNCTIONS
    }
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    cdk.Tags.of(app).add("slipway:project", config.project)
    state = StateStack(app, f"{config.project}-state", description=f"{config.project}: what must not be lost")
    serving = ServingStack(
        app,
        f"{config.project}-serving",
        config=config,
        models=models,
        bundles=bundles,
        tables=state.tables,
        description=f"{config.project}: the API and the functions behind it",
    )
    return Stacks(state, serving)


def _target(name: str | None) -> Target:
    try:
        return Target(name or Target.LAMBDA)
    except ValueError as error:
        problem = FieldProblem("slipway:target", f"{name!r} is none of {', '.join(Target)}")
        raise ConfigError("the CDK context", [problem]) from error
