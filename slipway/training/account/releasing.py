"""Starts the release of a version that a run has registered."""

from collections.abc import Mapping
from datetime import datetime

from slipway.config import Config
from slipway.releases.evidence.outputs import Outputs
from slipway.releases.record.request import ReleaseRequest, stable_version, start_record
from slipway.releases.record.store import ReleaseStore
from slipway.releases.record.users_before import with_users_before
from slipway.releases.routing.sticky import sendable
from slipway.training.account.desk import training_of
from slipway.training.ports import Versions
from slipway.training.run import Run

BY = "training"
"""Who starts the releases of runs."""


def start_release(
    config: Config, store: ReleaseStore, versions: Versions, run: Run, version: int, *, now: datetime
) -> str:
    """Start the release of a run's version as `training.release` has it, and return its id; once for a run.

    Raises:
        ConflictError: another release of the model is active.
        InputError: the strategy does not allow it.
    """
    last = next(iter(store.current([run.model])), None)
    if last is not None and last.candidates == (version,):
        return last.id
    stable = stable_version(config, run.model, last, None)
    package = versions.package(run.model, stable)
    outputs = Outputs.of(package)
    record = start_record(
        config,
        _request(config, run, version),
        stable=stable,
        labels=outputs.labels,
        value_limits=outputs.value_limits,
        target_limits=outputs.target_limits,
        package=package,
        fields=lambda number: sendable(versions.package(run.model, number).manifest, config),
        now=now,
    )
    return store.start(with_users_before(record, store.past(run.model))).id


def _request(config: Config, run: Run, version: int) -> ReleaseRequest:
    release = training_of(config, run.model).release
    changes: Mapping[str, str] = {name: str(value) for name, value in release.options.items()}
    return ReleaseRequest(
        run.model, (version,), release.strategy, changes, by=BY, reason=f"training run {run.id} ({run.trigger})"
    )
