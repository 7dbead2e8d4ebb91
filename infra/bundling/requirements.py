"""The files that name the packages of recipes, which the image of training is built with."""

from pathlib import Path

from slipway.bundling.recipe_packages import other_file
from slipway.config import Config
from slipway.errors import ConfigError, FieldProblem


def requirements_files(root: Path, config_file: Path, config: Config) -> dict[str, Path]:
    """The files of `training.requirements` that tasks have, by their paths in slipway.yaml.

    Raises:
        ConfigError: a file is not there or not below ``root``, or it needs another file, which no build would have.
    """
    named = {name: each.requirements for name, each in config.trained_models.items() if each.requirements is not None}
    found = {path: (root / path, f"models.{name}.training.requirements") for name, path in named.items()}
    problems = [FieldProblem(key, why) for file, key in found.values() if (why := _problem(root, file))]
    if problems:
        raise ConfigError(config_file, problems)
    return {path: file for path, (file, _) in found.items()}


def _problem(root: Path, file: Path) -> str | None:
    if not file.resolve().is_relative_to(root.resolve()):
        return f"`{file.relative_to(root)}` must lie below the folder of slipway.yaml"
    if not file.is_file():
        return f"there is no file `{file.relative_to(root)}`"
    line = other_file(file.read_text(encoding="utf-8"))
    return f"`{line}` in it names another file, and the image is built with this one alone" if line else None
