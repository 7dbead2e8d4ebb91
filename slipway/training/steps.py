"""The steps of a run but for training itself: assemble, check, register. Each is idempotent.

They need neither the recipe's libraries nor those of imports, so they run in a Lambda function;
`slipway.training.fitting` has the step in between, which does.
"""

from dataclasses import dataclass
from pathlib import Path

from slipway.config import GatesConfig
from slipway.config.training import TrainingGates
from slipway.models.gates.rules import Check
from slipway.models.package import Package
from slipway.training.dataset import DataSet
from slipway.training.ports import Ports
from slipway.training.run import Run


@dataclass(frozen=True, slots=True)
class Declined:
    """The run ends here, without an error: ``reason`` is a sentence."""

    reason: str


def assemble(ports: Ports, run: Run) -> DataSet | Declined:
    """Make the run's data set, or decline: too few new labels, or the same was offered and withdrawn.

    A run that has its data set gets it again.
    """
    raise NotImplementedError


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
    """
    raise NotImplementedError


def register(ports: Ports, run: Run, data: DataSet, package: Package, check: Check, *, state: Path | None) -> int:
    """Register a package that passed, with its lineage, and return its number; a run that has registered gets its own.

    Raises:
        CheckFailedError: it did not pass.
    """
    raise NotImplementedError
