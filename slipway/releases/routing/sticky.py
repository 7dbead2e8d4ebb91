"""What keeps a caller at one version: a field or an entity that every request of the release can send."""

from collections.abc import Collection, Mapping

from slipway.config import Config
from slipway.config.releases import AbTest, Bandit, Options
from slipway.errors import InputError
from slipway.models.manifest import Manifest


def sticky_of(options: Options) -> str | None:
    """The name that assignment goes by; None where each record is assigned by itself."""
    return options.sticky if isinstance(options, AbTest | Bandit) else None


def sendable(manifest: Manifest, config: Config) -> tuple[str, ...]:
    """What a record of a request to a version may hold: its inputs, and the entities that features are fetched for."""
    entities = [config.features[group].entity for group in manifest.groups if group in config.features]
    return tuple(dict.fromkeys([*(field.name for field in manifest.inputs), *entities]))


def check_sticky(name: str, model: str, fields: Mapping[int, Collection[str]]) -> None:
    """Whether a request can send ``name`` to each version; ``fields`` has what each takes.

    Raises:
        InputError: it cannot, so each record would be assigned by itself; the fields that it could be are named.
    """
    lacking = [version for version, names in fields.items() if name not in names]
    if not lacking:
        return
    common = [each for each in next(iter(fields.values())) if all(each in names for names in fields.values())]
    versions = " and ".join(map(str, lacking))
    message = f"{name!r} is neither an input nor an entity of {model} {versions}, so no request can send it; "
    message += f"what every version here takes is {', '.join(common)}" if common else "these versions share no field"
    raise InputError.of("sticky", message)
