"""Build the stacks of a slipway.yaml, for app.py and for the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks

from infra.bundling.bundle import Target, build_bundle
from infra.bundling.image import build_context, wants_image
from infra.bundling.models import load_deployed_models, load_heavy_models, load_shadowed_models
from infra.bundling.settings import deployed_settings
from infra.stacks.batch import BatchStack
from infra.stacks.delivery import AccessStack, boundary_name, repository_of
from infra.stacks.heavy import HeavyStack
from infra.stacks.releases import ReleasesStack
from infra.stacks.serving import ServingStack
from infra.stacks.shadow import ShadowStack
from infra.stacks.state import StateStack
from infra.stacks.training import TrainingStack
from slipway.config import Config, read_project
from slipway.errors import ConfigError, FieldProblem

FUNCTIONS = ("predict", "features", "feedback", "controller", "shadow")
CAPTURE, MONITOR, WIDGET = "capture", "monitor", "widget"
"""Deployed only if a model's requests are captured."""
HISTORY = "history"
"""Deployed only if a group's history is kept."""
BATCH = "batch"
"""Deployed unless batch jobs are turned off."""
TRAINING = "training"
"""Deployed only if a model is trained again."""


@dataclass(frozen=True)
class Stacks:
    """The stacks of one slipway.yaml."""

    state: StateStack
    serving: ServingStack
    heavy: HeavyStack | None
    """None without a heavy model."""
    shadow: ShadowStack
    releases: ReleasesStack
    batch: BatchStack | None
    """None if batch jobs are turned off."""
    training: TrainingStack | None
    """None without a model that is trained again."""
    access: AccessStack | None = None
    """The roles of a repository's workflows; None unless asked for."""


@dataclass(frozen=True)
class Delivery:
    """How the app is delivered: the context ``slipway:access``, ``slipway:provider`` and ``slipway:boundary``."""

    repository: object = None
    provider: str | bool | None = None
    boundary: str | bool | None = None


def add_stacks(
    app: cdk.App,
    *,
    config_file: Path,
    target: str | None = None,
    environment: str | None = None,
    break_glass: str | bool | None = None,
    delivery: Delivery | None = None,
) -> Stacks:
    """Add the stacks that ``config_file`` describes in an environment, and the checks that can fail a synth.

    With ``delivery`` there is also the stack of the roles for a repository's workflows, and a boundary for all roles.
    With ``break_glass`` (the context ``slipway:break-glass``), code is deployed all at once and whatever alarms say.

    Raises:
        ConfigError: slipway.yaml, ``break_glass`` or ``target`` (the context ``slipway:target``) is invalid.
        NotFoundError: slipway.yaml has no such ``environment`` (the context ``slipway:environment``).
        PackageError: a file of a deployed package is missing or altered.
    """
    config_file = config_file.resolve()
    project, ignores_alarms = read_project(config_file), _switch("slipway:break-glass", value=break_glass)
    config = project.config(environment)
    settings = deployed_settings(project, environment, config_file=config_file)
    models = load_deployed_models(config, root=config_file.parent, config_file=config_file)
    bundles = {
        function: build_bundle(
            function,
            _target(target),
            root=config_file.parent,
            config_file=config_file,
            config=config,
            settings=settings,
        )
        for function in _functions(config)
    }
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    cdk.Tags.of(app).add("slipway:project", config.project)
    if environment is not None:
        cdk.Tags.of(app).add("slipway:environment", environment)
    state = StateStack(app, f"{config.project}-state", config=config, description=f"{config.project}: persistent state")
    serving = ServingStack(
        app,
        f"{config.project}-serving",
        config=config,
        models=models,
        bundles=bundles,
        tables=state.tables,
        bucket=state.models.bucket,
        captures=state.captures.bucket,
        history=state.history.bucket,
        break_glass=ignores_alarms,
        description=f"{config.project}: the API and the functions behind it",
    )
    heavy = _heavy_stack(
        app,
        config,
        config_file,
        _target(target),
        bundles,
        settings=settings,
        state=state,
        serving=serving,
        break_glass=ignores_alarms,
    )
    shadow = ShadowStack(
        app,
        f"{config.project}-shadow",
        config=config,
        models=load_shadowed_models(config, root=config_file.parent, config_file=config_file),
        bundle=bundles["shadow"],
        tables=state.tables,
        bucket=state.models.bucket,
        light=serving.predict.logs,
        heavy=heavy.logs if heavy else {},
        description=f"{config.project}: the function that scores captures for shadows",
    )
    releases = ReleasesStack(
        app,
        f"{config.project}-releases",
        config=config,
        bundles=bundles,
        control=state.tables.control,
        bucket=state.models.bucket,
        captures=state.captures.bucket,
        history=state.history.bucket,
        api=serving.api,
        alarm_topic=serving.topic,
        slots=heavy.released if heavy else {},
        heavy_stack=f"{config.project}-heavy",
        shadow=shadow,
        description=f"{config.project}: the release controller",
    )
    batch = _batch_stack(app, config, bundles.get(BATCH), state=state, serving=serving, heavy=heavy)
    training = _training_stack(
        app, config, config_file, _target(target), bundles, settings=settings, state=state, releases=releases
    )
    access = _access_stack(app, config.project, environment, delivery or Delivery(), (serving, releases))
    return Stacks(state, serving, heavy, shadow, releases, batch, training, access)


def _functions(config: Config) -> tuple[str, ...]:
    """The functions that a project has."""
    captured = config.captured_models
    asked = {
        BATCH: config.batch.enabled,
        CAPTURE: captured,
        HISTORY: config.recorded_groups,
        MONITOR: captured,
        TRAINING: config.trained_models,
        WIDGET: captured,
    }
    return (*FUNCTIONS, *(function for function, wanted in asked.items() if wanted))


def _batch_stack(
    app: cdk.App,
    config: Config,
    bundle: Path | None,
    *,
    state: StateStack,
    serving: ServingStack,
    heavy: HeavyStack | None,
) -> BatchStack | None:
    if bundle is None:
        return None
    return BatchStack(
        app,
        f"{config.project}-batch",
        config=config,
        bundle=bundle,
        tables=state.tables,
        packages=state.models.bucket,
        history=state.history.bucket,
        heavy=heavy.tiers if heavy else {},
        topic=serving.topic,
        description=f"{config.project}: batch jobs",
    )


def _heavy_stack(
    app: cdk.App,
    config: Config,
    config_file: Path,
    target: Target,
    bundles: Mapping[str, Path],
    *,
    settings: Path,
    state: StateStack,
    serving: ServingStack,
    break_glass: bool,
) -> HeavyStack | None:
    if not config.heavy_models:
        return None
    root = config_file.parent
    models = load_heavy_models(config, root=root, config_file=config_file)
    context = None
    if wants_image(target):
        context = build_context(root=root, config_file=config_file, config=config, settings=settings)
    stack = HeavyStack(
        app,
        f"{config.project}-heavy",
        config=config,
        models=models,
        context=context,
        tables=state.tables,
        bucket=state.models.bucket,
        api=serving.api,
        topic=serving.topic,
        captures=state.captures.bucket,
        bundles=bundles,
        break_glass=break_glass,
        description=f"{config.project}: the heavy models and their load balancer",
    )
    # The rules resolve parameters of the state stack, which CloudFormation does not see as a dependency.
    stack.add_stack_dependency(state)
    return stack


def _access_stack(
    app: cdk.App, project: str, environment: str | None, delivery: Delivery, stacks: Sequence[cdk.Stack]
) -> AccessStack | None:
    """The stack of a repository's roles, if it is asked for, and the boundary of all others."""
    if _switch("slipway:boundary", value=delivery.boundary):
        for stack in app.node.children:
            boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", boundary_name(project))
            iam.PermissionsBoundary.of(stack).apply(boundary)
    repository = repository_of(delivery.repository)
    if repository is None:
        return None
    if environment is None:
        problem = FieldProblem("slipway:environment", "name the environment that the workflows of GitHub deploy")
        raise ConfigError("the CDK context", [problem])
    every = ((each, name) for each in stacks for name in ("Caller", "Operator", "Analyst"))
    policies = {name: policy for each, name in every if (policy := each.node.try_find_child(name)) is not None}
    return AccessStack(
        app,
        f"{project}-access",
        project=project,
        repository=repository,
        environment=environment,
        provider=_switch("slipway:provider", value=True if delivery.provider is None else delivery.provider),
        policies=policies,
        description=f"{project}: what the workflows of {repository} may do",
    )


def _training_stack(
    app: cdk.App,
    config: Config,
    config_file: Path,
    target: Target,
    bundles: Mapping[str, Path],
    *,
    settings: Path,
    state: StateStack,
    releases: ReleasesStack,
) -> TrainingStack | None:
    if not config.trained_models:
        return None
    _refuse_gpus(config, config_file)
    context = None
    if wants_image(target) and any(each.compute != "lambda" for each in config.trained_models.values()):
        context = build_context(root=config_file.parent, config_file=config_file, config=config, settings=settings)
    return TrainingStack(
        app,
        f"{config.project}-training",
        config=config,
        bundle=bundles[TRAINING],
        context=context,
        tables=state.tables,
        models=state.models.bucket,
        captures=state.captures.bucket,
        history=state.history.bucket,
        topic=releases.topic,
        description=f"{config.project}: trains models again",
    )


def _refuse_gpus(config: Config, config_file: Path) -> None:
    """Raise ConfigError for a model that is to be trained on GPUs, which Fargate has none of."""
    message = "training on GPUs is not there yet; `fargate` and `lambda` are"
    found = [name for name, each in config.trained_models.items() if each.compute == "gpu"]
    if found:
        raise ConfigError(config_file, [FieldProblem(f"models.{name}.training.compute", message) for name in found])


def _switch(name: str, *, value: str | bool | None) -> bool:
    """A value of the CDK context that is true or false; `-c` passes text."""
    text = str(value or False).lower()
    if text not in {"true", "false"}:
        raise ConfigError("the CDK context", [FieldProblem(name, f"{value!r} must be true or false")])
    return text == "true"


def _target(name: str | None) -> Target:
    try:
        return Target(name or Target.LAMBDA)
    except ValueError as error:
        problem = FieldProblem("slipway:target", f"{name!r} must be one of {', '.join(Target)}")
        raise ConfigError("the CDK context", [problem]) from error
