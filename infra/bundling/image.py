"""The image of the heavy tier: its build context and its asset."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_ecr_assets as assets
from constructs import Construct

from infra.bundling.bundle import CODE, SOURCES, Target, files_below, recipe_files, task_modules
from infra.bundling.requirements import requirements_files
from slipway.bundling.sources import source_files
from slipway.config import Config
from slipway.config.heavy import HeavyConfig

EMBEDDED = "slipway-heavy"
"""The image's name in the embedded AWS, which starts processes instead of pulling it."""

_PLATFORMS = {"x86_64": assets.Platform.LINUX_AMD64, "arm64": assets.Platform.LINUX_ARM64}


def build_context(*, root: Path, config_file: Path, config: Config, settings: Path | None = None) -> Path:
    """Create ``build/image`` below ``root``, the complete context of container/Dockerfile.

    It has our code, slipway.yaml, the packages of the deployed versions of heavy and of retrained models, and the
    modules of the user's own tasks and recipes, with their `training.requirements`. ``root`` is the folder of
    ``config_file``. ``settings`` is the slipway.yaml of the image, by default ``config_file``.

    Raises:
        ConfigError: a task module has the name of one of Slipway's own, or a file of requirements cannot be used.
    """
    folder = root / "build" / "image"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".image-") as temporary:
        draft = Path(temporary) / "new"
        contents = {**_contents(root, config_file, config), "slipway.yaml": settings or config_file}
        for name, source in contents.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, draft / name)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        draft.rename(folder)
    return folder


def image_asset(
    scope: Construct, id_: str, *, context: Path, settings: HeavyConfig, jobs: bool = False
) -> assets.DockerImageAsset:
    """The image of one model, or of its batch jobs; models with equal compute and architecture share it."""
    runtime = ("batch" if jobs else "onnxruntime") + ("-gpu" if settings.compute == "gpu" else "")
    return _asset(scope, id_, context, settings.architecture, {"RUNTIME": runtime})


def training_image_asset(
    scope: Construct, id_: str, *, context: Path, requirements: str | None = None
) -> assets.DockerImageAsset:
    """The image of training tasks, with the recipes and their packages; ``requirements`` is a file of the context."""
    own = {"REQUIREMENTS": requirements} if requirements is not None else {}
    return _asset(scope, id_, context, "x86_64", {"RUNTIME": "training", **own})


def _asset(
    scope: Construct, id_: str, context: Path, architecture: str, build_args: Mapping[str, str]
) -> assets.DockerImageAsset:
    return assets.DockerImageAsset(
        scope,
        id_,
        directory=str(context),
        file="container/Dockerfile",
        build_args=dict(build_args),
        platform=_PLATFORMS[architecture],
        asset_name=f"slipway-{build_args['RUNTIME']}",
    )


def wants_image(target: Target) -> bool:
    """Whether a target runs the image, which the embedded AWS does not."""
    return target is not Target.HOST


def _contents(root: Path, config_file: Path, config: Config) -> dict[str, Path]:
    files = files_below(SOURCES, SOURCES / "container")
    files |= source_files(CODE, ["slipway"], trains=bool(config.trained_models))
    files |= files_below(CODE, CODE / "slipway/bundling")  # runs in the build, which leaves it out
    files |= task_modules(root, config_file, config)
    files |= recipe_files(root, config_file, config)
    files |= requirements_files(root, config_file, config)
    for name, model in {**config.heavy_models, **{name: config.models[name] for name in config.trained_models}}.items():
        for version in model.versions:
            files |= files_below(root, config.model_folder(root, name) / str(version))
    return files
