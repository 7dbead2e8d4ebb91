"""Check a package against the newest version of the registry, and register it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from slipway.config import GatesConfig
from slipway.config.validation import field_problems
from slipway.errors import PackageError
from slipway.models.gates.checking import check_package
from slipway.models.package import MANIFEST, Package
from slipway.models.registry.registry import Registry
from slipway.models.registry.versions import RUN, Lineage, Origin, VersionRecord


def submit_package(
    registry: Registry,
    package: Package,
    gates: GatesConfig,
    origin: Origin,
    *,
    labelled: Path | None = None,
    force: str | None = None,
    seconds: float = 1.0,
    task_modules: Sequence[str] = (),
) -> VersionRecord:
    """Check a package against the newest version of the registry, and register it with the result.

    Raises:
        CheckFailedError: a gate failed or there is none, and ``force`` gives no reason to register it anyway.
        SlipwayError: as `check_package` and `Registry.register` do.
    """
    with newest_package(registry, package.manifest.name) as previous:
        check = check_package(
            package, gates, previous=previous, labelled=labelled, seconds=seconds, task_modules=task_modules
        )
    return registry.register(package, check, _described(registry, package, origin), force=force)


@contextmanager
def newest_package(registry: Registry, model: str) -> Iterator[Package | None]:
    """The newest version that is not deprecated, in a temporary folder, or None.

    Raises:
        PackageError: it is damaged; the message says how to leave it out.
    """
    record = registry.newest(model)
    if record is None:
        yield None
        return
    with TemporaryDirectory(prefix="slipway-") as folder:
        yield _pulled(registry, record, Path(folder) / str(record.number))


def _pulled(registry: Registry, record: VersionRecord, folder: Path) -> Package:
    try:
        return registry.pull(record.model, record.number, folder)
    except PackageError as error:
        way_out = f'`slipway model deprecate {record.model} {record.number} --reason "damaged"` leaves it out'
        message = f"the newest version of the registry, with which others are compared, is damaged ({error}); {way_out}"
        raise PackageError(record.label, message) from error


def _lineage(package: Package, run: dict[str, Any]) -> Lineage:
    try:
        return Lineage.model_validate(run)
    except ValidationError as error:
        problems = "; ".join(
            f"{each.field}: {each.message}" for each in field_problems(error, prefix=f"training.{RUN}")
        )
        raise PackageError(package.folder / MANIFEST, problems) from error


def _described(registry: Registry, package: Package, origin: Origin) -> Origin:
    """The given parent, else the one in the manifest, else the newest version; and the run that its manifest names."""
    run = package.manifest.training.parameters.get(RUN)
    if origin.lineage is None and isinstance(run, dict):
        origin = origin.model_copy(update={"lineage": _lineage(package, run)})
    if origin.parent is not None:
        registry.version(package.manifest.name, origin.parent)
        return origin
    newest = registry.newest(package.manifest.name)
    parent = package.manifest.training.parent or (newest.number if newest else None)
    return origin.model_copy(update={"parent": parent})
