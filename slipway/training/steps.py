"""The steps of a run but for training itself: assemble, check, register. Each is idempotent.

They need neither the recipe's libraries nor those of imports, so they run in a Lambda function;
`slipway.training.fitting` has the step in between, which does.
"""

import tempfile
from pathlib import Path

from slipway.config import GatesConfig
from slipway.config.training import TrainingGates
from slipway.errors import CheckFailedError, InputError
from slipway.models.gates.rules import Check
from slipway.models.manifest import Form
from slipway.models.package import Package
from slipway.training.assembling import arrange, write_data_set
from slipway.training.dataset import DataSet
from slipway.training.decision import Declined, compared_with, offered_before, too_little
from slipway.training.judging import judge_draft
from slipway.training.ports import Ports
from slipway.training.registering import lineage_of
from slipway.training.run import Run

__all__ = ["Declined", "assemble", "check", "register"]


def assemble(ports: Ports, run: Run) -> DataSet | Declined:
    """Make the run's data set, or decline: too few new labels, or the same was offered before.

    A run that has its data set gets it again, whatever labels have come since.

    Raises:
        InputError: the model has no version that serves, whose inputs and answers the data have.
        UnavailableError: a port does not answer.
    """
    offered = ports.versions.offered(run.model)
    data = ports.data.of_run(run) or _new_data_set(ports, run)
    if isinstance(data, Declined):
        return data
    return offered_before(run, data, offered) or data


def _new_data_set(ports: Ports, run: Run) -> DataSet | Declined:
    if run.parent is None:
        raise InputError.of(run.model, "has no version yet; `slipway model import` makes the first one")
    manifest = ports.versions.package(run.model, run.parent).manifest
    assembled = arrange(ports.examples.examples(run), manifest, run.validation)
    labels = manifest.outputs.labels if manifest.outputs.form is Form.LABEL else None
    if declined := too_little(run, assembled, _known_ids(ports, run), labels or ()):
        return declined
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        return ports.data.store(run, write_data_set(assembled, manifest, Path(folder)))


def _known_ids(ports: Ports, run: Run) -> frozenset[str]:
    """The ids that are not new: those in the data of the version that serves, and of the one offered last."""
    digests = {each.lineage.data_sha256 for each in compared_with(run, ports.versions.offered(run.model))}
    found = [ports.data.of_digest(run.model, digest) for digest in sorted(digests)]
    return frozenset[str]().union(*(data.ids for data in found if data is not None))


def check(
    run: Run,
    data: DataSet,
    package: Package,
    *,
    serving: Package | None,
    gates: TrainingGates,
    own: GatesConfig,
    root: Path,
    task_modules: tuple[str, ...] = (),
) -> Check:
    """Judge a package on the newest slice of the data, against the version that serves.

    ``own`` are the model's `gates`, ``root`` is the folder of slipway.yaml.

    Raises:
        InputError: the package is of another model, or the file of trusted labels is not of its records.
        PackageError, PredictionError: a package cannot be opened, or fails on a record.
    """
    if package.manifest.name != run.model:
        raise InputError.of(run.recipe, f"made a package of {package.manifest.name}, not of {run.model}")
    trusted = gates.labelled or own.labelled
    return judge_draft(
        package,
        serving,
        data,
        gates=gates,
        own=own,
        trusted=root / trusted if trusted else None,
        task_modules=task_modules,
    )


def register(ports: Ports, run: Run, data: DataSet, package: Package, check: Check, *, state: Path | None) -> int:
    """Register a package that passed, with its lineage and state, and return its number; a run that has gets its own.

    Raises:
        CheckFailedError: it did not pass.
        UnavailableError: a port does not answer.
    """
    if not check.passed:
        reasons = "\n".join(f"  {result.name}: {result.sentence}" for result in check.failed)
        raise CheckFailedError(f"the retrained package of {run.model} did not pass its gates:\n{reasons}")
    earlier = (each.version for each in ports.versions.offered(run.model) if each.lineage.run == run.id)
    number = next(earlier, None)
    if number is None:
        number = ports.versions.register(package, check, run, lineage_of(run, data))
    if state is not None:
        ports.versions.keep_state(run.model, number, state)
    return number
