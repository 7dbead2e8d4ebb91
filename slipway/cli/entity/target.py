"""The entity that a command is about, and where its data is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.project import load_project
from slipway.config import Config
from slipway.errors import NotFoundError
from slipway.monitoring.captures.subjects import Subject

EntityName = Annotated[str, typer.Argument(metavar="ENTITY", help="The entity, e.g. user.")]
EntityId = Annotated[str, typer.Argument(metavar="ID", help="The entity's id, e.g. u42.")]


@dataclass(frozen=True)
class EntityTarget:
    """An entity of slipway.yaml, its feature groups, and the deployment."""

    subject: Subject
    groups: tuple[str, ...]
    config: Config
    deployed: Deployed


def find_entity(config_file: Path, entity: str, id_: str) -> EntityTarget:
    """Find an entity's deployment.

    Raises:
        NotFoundError: slipway.yaml has no such entity, or nothing is deployed.
        UnavailableError: AWS cannot be reached.
    """
    config = load_project(config_file)
    check_entity(config, entity)
    return entity_target(config, find_deployed(config.project), entity, id_)


def entity_target(config: Config, deployed: Deployed, entity: str, id_: str) -> EntityTarget:
    """An entity in a deployment that is known; raises NotFoundError if slipway.yaml has no such entity."""
    check_entity(config, entity)
    groups = tuple(name for name, group in config.features.items() if group.entity == entity)
    return EntityTarget(Subject(entity, id_), groups, config, deployed)


def known_entities(config: Config) -> list[str]:
    """The entities of slipway.yaml: those of feature groups, and those that captures are sampled by."""
    known = [group.entity for group in config.features.values()]
    known += [model.capture.entity for model in config.models.values() if model.capture.entity]
    return list(dict.fromkeys(known))


def check_entity(config: Config, entity: str) -> None:
    """Raise NotFoundError if slipway.yaml has no such entity."""
    if entity not in (known := known_entities(config)):
        raise NotFoundError("entity", entity, known)
