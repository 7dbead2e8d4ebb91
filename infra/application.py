"""Build the stacks of a slipway.yaml, for app.py and for the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.bundling.bundle import build_bundle
from infra.bundling.image import build_context, wants_image
from infra.bundling.models import load_deployed_models, load_heavy_models, load_shadowed_models
from infra.bundling.settings import deployed_settings
from infra.context import switch, target_of
from infra.delivery import Delivery, access_stack
from infra.stacks.batch import BatchStack
from infra.stacks.delivery import AccessStack
from infra.stacks.heavy import HeavyStack
from infra.stacks.releases import ReleasesStack
from infra.stacks.serving import ServingStack
from infra.stacks.shadow import ShadowStack
from infra.stacks.state import StateStack
from infra.stacks.training import TrainingStack
from slipway.config import Config, read_project

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
    config_file, built_for = config_file.resolve(), target_of(target)
    project, ignores_alarms = read_project(config_file), switch("slipway:break-glass", value=break_glass)
    config = project.config(environment)
    settings = deployed_settings(project, environment, config_file=config_file)
    models = load_deployed_models(config, root=config_file.parent, config_file=config_file)
    bundles = {
        function: build_bundle(
            function,
            built_for,
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
    image = _image_context(config, config_file, settings) if wants_image(built_for) else None
    heavy = _heavy_stack(
        app, config, config_file, bundles, image=image, state=state, serving=serving, break_glass=ignores_alarms
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
    training = _training_stack(app, config, bundles, image=image, state=state, releases=releases)
    access = access_stack(app, config.project, environment, delivery or Delivery(), (serving, releases))
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


def _image_context(config: Config, config_file: Path, settings: Path) -> Path | None:
    """What images are built of, if the project has any."""
    if not config.heavy_models and all(each.compute == "lambda" for each in config.trained_models.values()):
        return None
    return build_context(root=config_file.parent, config_file=config_file, config=config, settings=settings)


def _heavy_stack(
    app: cdk.App,
    config: Config,
    config_file: Path,
    bundles: Mapping[str, Path],
    *,
    image: Path | None,
    state: StateStack,
    serving: ServingStack,
    break_glass: bool,
) -> HeavyStack | None:
    if not config.heavy_models:
        return None
    models = load_heavy_models(config, root=config_file.parent, config_file=config_file)
    stack = HeavyStack(
        app,
        f"{config.project}-heavy",
        config=config,
        models=models,
        context=image,
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


def _training_stack(
    app: cdk.App,
    config: Config,
    bundles: Mapping[str, Path],
    *,
    image: Path | None,
    state: StateStack,
    releases: ReleasesStack,
) -> TrainingStack | None:
    if not config.trained_models:
        return None
    return TrainingStack(
        app,
        f"{config.project}-training",
        config=config,
        bundle=bundles[TRAINING],
        context=image,
        tables=state.tables,
        models=state.models.bucket,
        captures=state.captures.bucket,
        history=state.history.bucket,
        topic=releases.topic,
        description=f"{config.project}: trains models again",
    )
