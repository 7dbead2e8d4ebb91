"""The step that trains: it calls the user's recipe, wherever its libraries are installed."""

from pathlib import Path

from slipway.models.package import Package
from slipway.training.dataset import DataSet
from slipway.training.run import Run


def train(run: Run, data: DataSet, folder: Path, *, like: Package | None, state: Path | None) -> Package:
    """Have the recipe fill a draft in ``folder``, which may hold the rest of an attempt, and return its package.

    ``like`` is the version that serves, ``state`` the folder of its training state. The package is in
    ``folder/package``, the training state, if any, in ``folder/state``.

    Raises:
        InputError: the recipe cannot be found, or its function fails the contract.
        TrainingError: it raised an error.
    """
    raise NotImplementedError
