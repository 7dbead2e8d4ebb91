"""The entities that the records of a version name: those of its features, and ids among its inputs."""

from collections.abc import Mapping

from slipway.errors import ConfigError, FieldProblem
from slipway.models.manifest import Manifest

ID_CHARACTERS = 256


def entities_of_groups(manifest: Manifest, entities: Mapping[str, str]) -> dict[str, str]:
    """The entity of each feature group of a version; ``entities`` has those of every group of slipway.yaml.

    Raises:
        ConfigError: a feature group is not in ``entities``, or an entity has the name of an input.
    """
    names = {field.name for field in manifest.inputs}
    version = f"{manifest.name} {manifest.version}"
    problems = []
    for group in manifest.groups:
        if group not in entities:
            problems.append(FieldProblem(f"features.{group}", f"is not defined, but {version} reads inputs from it"))
        elif entities[group] in names:
            problems.append(FieldProblem(f"features.{group}.entity", f"is also the name of an input of {version}"))
    if problems:
        raise ConfigError("slipway.yaml", problems)
    return {group: entities[group] for group in manifest.groups}


def named_entity(value: object) -> str | None:
    """The id that an input's value is, or None if it cannot be one."""
    text = "" if value is None or isinstance(value, float | bool) else str(value)
    return text if 0 < len(text) <= ID_CHARACTERS else None
