"""The differences between two versions, from their manifests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.config import metric_name
from slipway.models.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; None means that the version does not have it."""

    what: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences: schema (task, inputs, outputs), files (bytes and SHA-256), quality, and size in bytes."""

    schema: tuple[Change, ...]
    files: tuple[Change, ...]
    quality: tuple[Change, ...]
    size_bytes: Change


def compare_versions(before: Manifest, after: Manifest) -> Difference:
    """Compare two versions."""
    return Difference(
        schema=tuple(_changes(_schema(before), _schema(after))),
        files=tuple(_changes(_files(before), _files(after))),
        quality=tuple(_changes(_quality(before), _quality(after))),
        size_bytes=Change("size", _size(before), _size(after)),
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for what in dict.fromkeys((*before, *after)):
        if before.get(what) != after.get(what):
            yield Change(what, before.get(what), after.get(what))


def _schema(manifest: Manifest) -> dict[str, Any]:
    inputs = [field.model_dump(mode="json", exclude_defaults=True) for field in manifest.inputs]
    return {
        "task": manifest.task,
        "order of inputs": [field["name"] for field in inputs],
        **{f"input {field.pop('name')}": field for field in inputs},
        **{f"outputs.{name}": value for name, value in manifest.outputs.model_dump(mode="json").items() if value},
    }


def _files(manifest: Manifest) -> dict[str, Any]:
    return {entry.path: {"bytes": entry.bytes, "sha256": entry.sha256} for entry in manifest.files}


def _quality(manifest: Manifest) -> dict[str, float]:
    return {f"{metric_name(item.metric)} on {item.data}": item.value for item in manifest.quality}


def _size(manifest: Manifest) -> int:
    return sum(entry.bytes for entry in manifest.files)
