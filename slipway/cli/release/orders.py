"""What people make releases do: plan one, start it, and order it on or back."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from slipway.cli.release.fields import request_fields
from slipway.cli.release.live import slot_shares
from slipway.cli.release.target import ReleaseTarget
from slipway.config import Config
from slipway.config.releases.options import Shadow
from slipway.models.package import Package, load_package
from slipway.releases.controller.reconciler import PassResult
from slipway.releases.evidence.outputs import Outputs
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import OperatorOrder
from slipway.releases.record.request import ReleaseRequest, stable_version, start_record
from slipway.releases.record.store import ReleaseStore
from slipway.releases.record.users_before import with_users_before
from slipway.releases.shadow.log_shadows import check_deployed

OrderName = Literal["promote", "rollback"]


def planned_record(
    config_file: Path, config: Config, target: ReleaseTarget | None, request: ReleaseRequest
) -> ReleaseRecord:
    """The record of a release that is not stored yet. Without a deployment, slipway.yaml names the stable version."""
    last, live = None, None
    if target is not None:
        last = next(iter(target.deployment.store().current([request.model])), None)
        live = _live(target, request.model)
    stable = stable_version(config, request.model, last, live)
    package = _package(config, config_file.parent, request.model, stable)
    outputs = Outputs.of(package) if package is not None else Outputs()
    record = start_record(
        config,
        request,
        stable=stable,
        labels=outputs.labels,
        value_limits=outputs.value_limits,
        target_limits=outputs.target_limits,
        package=package,
        fields=partial(request_fields, config, config_file, request.model),
        now=datetime.now(UTC),
    )
    if target is not None and isinstance(record.options, Shadow):
        check_deployed(target.deployment.shadow, request.model)
    return record


def past_releases(store: ReleaseStore, model: str) -> list[ReleaseRecord]:
    """The releases of a model, the newest first; the active one is among them."""
    return [*(record for record in store.current([model]) if not record.settled), *store.past(model)]


def begin_release(target: ReleaseTarget, record: ReleaseRecord) -> ReleaseRecord:
    """Store a planned release, which the controller then carries out; raises ConflictError if another is active."""
    store = target.deployment.store()
    return store.start(with_users_before(record, store.past(record.model)))


def give_order(
    target: ReleaseTarget, model: str, action: OrderName, *, by: str, reason: str, release: str | None = None
) -> PassResult:
    """Carry out an operator's order at once; raises ConflictError if no release of the model, or another, is active."""
    order = OperatorOrder(action=action, by=by, at=datetime.now(UTC), why=reason)
    return target.deployment.controller(target.config).order(model, order, release)


def _live(target: ReleaseTarget, model: str) -> dict[int, float] | None:
    """The live shares of a heavy model; None for a light one, whose shares are the last release's."""
    return None if target.config.models[model].tier == "light" else slot_shares(target, model)


def _package(config: Config, root: Path, model: str, version: int) -> Package | None:
    """A version's package if it is here; without it, the judge compares neither labels nor values."""
    folder = config.model_folder(root, model) / str(version)
    return load_package(folder) if folder.is_dir() else None
