"""The step that trains: it calls the user's recipe, wherever its libraries are installed."""

import shutil
from pathlib import Path

from slipway.errors import PackageError
from slipway.models.package import Package, load_package
from slipway.training.dataset import DataSet
from slipway.training.draft import Draft, complete
from slipway.training.recipe import Parent, load_recipe, missing_package
from slipway.training.run import Run

_DONE = "whole"
"""Holds the run's id, once package and state are whole. It sorts after both, so an upload stores it last."""


def train(
    run: Run, data: DataSet, folder: Path, *, like: Package | None, state: Path | None, project: Path = Path()
) -> Package:
    """Have the recipe fill a draft in ``folder``, which may hold the rest of an attempt, and return its package.

    ``like`` is the version that serves, ``state`` the folder of its training state, and ``project`` the folder of
    slipway.yaml. The package is in ``folder/package``, and the training state in ``folder/state``, which is empty if
    the recipe keeps none. A package that an earlier attempt of the run has completed is returned as it is.

    Raises:
        InputError: the recipe cannot be found, its function fails the contract, or a package that it needs is missing.
        TrainingError: it left no package. Errors of the user's own code are passed on.
    """
    draft = Draft(folder, run, data, number=(like.manifest.version if like else 0) + 1, like=like)
    if (done := _completed(draft)) is not None:
        return done
    recipe = load_recipe(run.recipe, project)
    (folder / _DONE).unlink(missing_ok=True)
    for part in (draft.package, draft.state):
        shutil.rmtree(part, ignore_errors=True)
    for part in (draft.state, draft.checkpoints):
        part.mkdir(parents=True, exist_ok=True)
    stateful = run.mode == "stateful" and like is not None
    try:
        recipe(data, draft, Parent(like, state) if stateful and like is not None else None)
    except ModuleNotFoundError as error:
        raise missing_package(run.recipe, error) from error
    package = complete(draft)
    (folder / _DONE).write_text(run.id, encoding="utf-8")
    return package


def _completed(draft: Draft) -> Package | None:
    """The package of an earlier attempt of the same run, if its recipe came to its end."""
    done = draft.folder / _DONE
    if not done.is_file() or done.read_text(encoding="utf-8") != draft.run.id:
        return None
    try:
        return load_package(draft.package)
    except PackageError:  # the attempt was stored in part
        return None
