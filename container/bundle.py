"""Copies the image's files from the repository to two folders, because models change less often than code.

Run by the Dockerfile: ``python -m container.bundle SOURCE TARGET ENVIRONMENT RUNTIME``.
"""

import shutil
import sys
from pathlib import Path

import yaml

from slipway.bundling.sources import source_files
from slipway.config import Config, read_project
from slipway.errors import ConfigError, FieldProblem
from slipway.models.bundle import load_version
from slipway.models.package import MANIFEST, Package

CONFIG = "slipway.yaml"
_OURS = ("slipway", "container")


def build_bundle(source: Path, target: Path, environment: str | None = None, *, trains: bool = True) -> None:
    """Fill ``target/models`` and ``target/code``, which together form the container's working directory.

    ``target/models`` gets the versions of heavy and retrained models that slipway.yaml names and ``source`` contains,
    at their paths in slipway.yaml, whose keys are those of ``environment``. An image that does not train has neither
    recipes nor light models.

    Raises:
        NotFoundError: slipway.yaml has no such environment.
        ConfigError: slipway.yaml is invalid, names a model outside ``source``, or names a task module called like ours.
        PackageError: a package is missing, altered or malformed.
    """
    project = read_project(source / CONFIG)
    config = project.config(environment)
    (target / "models").mkdir(parents=True)
    for name, model in config.models.items():
        if model.tier == "light" and (model.training is None or not trains):
            continue
        for version in model.versions:
            if (config.model_folder(source, name) / str(version)).exists():  # otherwise the registry provides it
                _copy_package(load_version(config, source, name, version), source, target / "models", name)
    for path, file in _code(source, config, trains=trains).items():
        _copy(file, target / "code" / path)
    if project.environments:
        text = yaml.safe_dump(dict(project.document(environment)), sort_keys=False, allow_unicode=True)
        (target / "code" / CONFIG).write_text(text, encoding="utf-8")


def _code(source: Path, config: Config, *, trains: bool) -> dict[str, Path]:
    tasks = _task_tops(config, trains=trains)
    single = {f"{top}.py": source / f"{top}.py" for top in tasks if (source / f"{top}.py").is_file()}
    tops = _recipe_tops(config, trains=trains)
    recipes = {path: file for top in tops for path, file in _files_below(source, source / top).items()}
    return {
        CONFIG: source / CONFIG,
        **source_files(source, [*_OURS, *tasks], trains=bool(tops)),
        **single,
        **recipes,
    }


def _task_tops(config: Config, *, trains: bool) -> list[str]:
    """Return the top-level modules of the user's own code; those not in the repository come from the requirements."""
    named = {"light.task_modules": config.light.task_modules}
    if trains:
        named |= {f"models.{name}.training.recipe": (each.recipe,) for name, each in config.trained_models.items()}
    tops = {module.partition(":")[0].partition(".")[0]: (key, module) for key, all_ in named.items() for module in all_}
    for top, (key, module) in tops.items():
        if top in _OURS:
            raise ConfigError(CONFIG, [FieldProblem(key, f"`{module}` would take the place of Slipway's own `{top}`")])
    return list(tops)


def _recipe_tops(config: Config, *, trains: bool) -> list[str]:
    trained = config.trained_models.values() if trains else ()
    return sorted({each.recipe.partition(":")[0].partition(".")[0] for each in trained})


def _files_below(source: Path, folder: Path) -> dict[str, Path]:
    """All files of a recipe's package: it may read some that are not code."""
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(source).as_posix(): file for file in files}


def _copy_package(package: Package, source: Path, target: Path, name: str) -> None:
    if not package.folder.resolve().is_relative_to(source.resolve()):
        raise ConfigError(CONFIG, [FieldProblem(f"models.{name}.path", f"must lie below the folder of {CONFIG}")])
    at = target / package.folder.resolve().relative_to(source.resolve())
    for path in [MANIFEST, *(entry.path for entry in package.manifest.files)]:
        _copy(package.folder / path, at / path)


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)  # keeps the modification time, by which some engines detect unchanged layers


if __name__ == "__main__":
    build_bundle(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] or None, trains=sys.argv[4] == "training")
