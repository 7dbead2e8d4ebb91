"""The sticky name: a field or an entity, sent with every request, by which callers are assigned and counted."""

from collections.abc import Collection, Mapping

from slipway.config import Config
from slipway.config.releases.options import AbTest, Bandit, Interleave, Options
from slipway.errors import InputError
from slipway.models.manifest import Manifest


def sticky_of(options: Options) -> str | None:
    """The name of the sticky field or entity; None if each record is assigned, and each ranking counted, on its own."""
    return options.sticky if isinstance(options, AbTest | Bandit | Interleave) else None


def sendable(manifest: Manifest, config: Config) -> tuple[str, ...]:
    """The names that a request to a version may send: its inputs, and the entities that it names."""
    entities = [config.features[group].entity for group in manifest.groups if group in config.features]
    model = config.models.get(manifest.name)
    about = [model.capture.entity] if model and model.capture.entity else []
    return tuple(dict.fromkeys([*(field.name for field in manifest.inputs), *entities, *about]))


def check_sticky(name: str, model: str, fields: Mapping[int, Collection[str]]) -> None:
    """Check that requests to every version can send ``name``; ``fields`` has the names that each version accepts.

    Raises:
        InputError: a version does not accept it, so each record would be assigned on its own. The message lists the
            names that all versions accept.
    """
    lacking = [version for version, names in fields.items() if name not in names]
    if not lacking:
        return
    common = [each for each in next(iter(fields.values())) if all(each in names for names in fields.values())]
    versions = " and ".join(map(str, lacking))
    message = f"{name!r} is neither an input nor an entity of {model} {versions}, so no request can send it; "
    message += f"what every version here takes is {', '.join(common)}" if common else "these versions share no field"
    raise InputError.of("sticky", message)
