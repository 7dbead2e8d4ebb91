"""The versions of models with what they were made from: in the registry, and in packages beside slipway.yaml."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.console.workspace import Workspace
from slipway.errors import NotFoundError, PackageError
from slipway.models.manifest import Manifest, Measurement, Training
from slipway.models.package import MANIFEST, read_manifest
from slipway.models.registry.difference import Difference, compare_versions
from slipway.models.registry.versions import VersionRecord

_STEP, _ROW, _WIDTH, _HEIGHT = 194, 76, 160, 40


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its training and quality, and its record if it is in the registry.

    ``stable`` marks the stable version that serves. A version that only others name, as parent or teacher, has no
    ``training``.
    """

    model: str
    number: int
    quality: tuple[Measurement, ...] = ()
    training: Training | None = None
    record: VersionRecord | None = None
    stable: bool = False

    @property
    def label(self) -> str:
        """The version as others name it."""
        return f"{self.model}:{self.number}"

    @property
    def parent(self) -> str | None:
        """The version that it was made from."""
        number = (self.record.origin.parent if self.record else None) or (self.training and self.training.parent)
        return f"{self.model}:{number}" if number else None

    @property
    def teacher(self) -> str | None:
        """The version that it was distilled from."""
        return self.training.teacher if self.training else None

    @property
    def known(self) -> str:
        """Where it was read: `registry`, `here`, or `not found`."""
        return "registry" if self.record else ("here" if self.training else "not found")


@dataclass(frozen=True, slots=True)
class Node:
    """A version in the picture, by its left upper corner."""

    version: Version
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Edge:
    """From a version to one that was made of it, as the path of an SVG."""

    path: str
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """The picture: a row for each model, its versions from left to right, and what was made from what."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    models: Mapping[str, int] = field(default_factory=dict)
    width: int = 0
    height: int = 0


def all_versions(workspace: Workspace) -> list[Version]:
    """The versions of every model of slipway.yaml: the registry's, and those that lie beside slipway.yaml."""
    config = workspace.config()
    registry = workspace.registry()
    serving = workspace.deployed().stables(config, config.models)
    found: list[Version] = []
    for model in config.models:
        by_number = {each.number: each for each in _here(config.model_folder(workspace.root, model), model)}
        for record in registry.versions(model):
            by_number[record.number] = Version(model, record.number, record.quality, record.training, record)
        for number, each in sorted(by_number.items()):
            found.append(Version(model, number, each.quality, each.training, each.record, number == serving[model]))
    return found


def _here(folder: Path, model: str) -> Iterator[Version]:
    for path in folder.glob(f"*/{MANIFEST}"):
        if path.parent.name.isdecimal():
            try:
                manifest = read_manifest(path)
            except PackageError:
                continue  # `slipway model list` says what is wrong with it
            yield Version(model, int(path.parent.name), manifest.quality, manifest.training)


def lineage(versions: Iterable[Version]) -> Lineage:
    """Place the versions, and those that they name and that are not known."""
    known = {each.label: each for each in versions}
    for label in [label for each in known.values() for label in (each.parent, each.teacher) if label]:
        model, _, number = label.partition(":")
        if label not in known and number.isdecimal():
            known[label] = Version(model, int(number))
    rows: dict[str, list[Version]] = {model: [] for model in _rows(known.values())}
    for each in sorted(known.values(), key=lambda each: each.number):
        rows[each.model].append(each)
    nodes = {
        each.label: Node(each, 8 + place * _STEP, 24 + row * _ROW)
        for row, found in enumerate(rows.values())
        for place, each in enumerate(found)
    }
    tops = {model: 16 + row * _ROW for row, model in enumerate(rows)}
    width = max((node.x + _WIDTH + 8 for node in nodes.values()), default=0)
    return Lineage(tuple(nodes.values()), tuple(_edges(nodes)), tops, width, len(rows) * _ROW + 8)


def _rows(versions: Iterable[Version]) -> dict[str, None]:
    """The models in their order, each with those of its teachers below it."""
    rows: dict[str, None] = {}
    teachers: dict[str, dict[str, None]] = {}
    for each in versions:
        found = teachers.setdefault(each.model, {})
        if each.teacher:
            found[each.teacher.partition(":")[0]] = None
    for model, found in teachers.items():
        rows |= {model: None, **{teacher: None for teacher in found if teacher in teachers}}
    return rows


def _edges(nodes: Mapping[str, Node]) -> Iterator[Edge]:
    for label, node in nodes.items():
        for kind, origin in (("parent", node.version.parent), ("teacher", node.version.teacher)):
            if origin is not None and origin in nodes:
                yield Edge(_path(nodes[origin], node), kind, f"{label} has the {kind} {origin}")


def _path(start: Node, end: Node) -> str:
    """A curve: from the right side to the left within a row, else from edge to edge of two rows."""
    if start.y == end.y:
        y, bend = start.y + _HEIGHT // 2, 0 if end.x - start.x <= _STEP else -_HEIGHT
        middle = (start.x + _WIDTH + end.x) // 2
        return f"M{start.x + _WIDTH},{y} Q{middle},{y + bend} {end.x},{y}"
    first, last = (start.y + _HEIGHT, end.y) if start.y < end.y else (start.y, end.y + _HEIGHT)
    middle = (first + last) // 2
    left, right = start.x + _WIDTH // 2, end.x + _WIDTH // 2
    return f"M{left},{first} C{left},{middle} {right},{middle} {right},{last}"


def difference(workspace: Workspace, model: str, before: int, after: int) -> Difference:
    """How two versions differ, as `slipway model diff` shows it; raises NotFoundError."""
    return compare_versions(_manifest(workspace, model, before), _manifest(workspace, model, after))


def _manifest(workspace: Workspace, model: str, number: int) -> Manifest:
    registry = workspace.registry()
    try:
        return registry.manifest(registry.version(model, number))
    except NotFoundError:
        path = workspace.config().model_folder(workspace.root, model) / str(number) / MANIFEST
        if not path.exists():
            raise
        return read_manifest(path)
