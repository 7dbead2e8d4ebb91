"""The contract of recipes: ``train(data, draft, parent)`` reads a data set and fills the draft of a package."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from slipway.errors import InputError
from slipway.models.importing.sources.entry import find_entry
from slipway.models.package import Package
from slipway.training.dataset import DataSet
from slipway.training.draft import Draft

OPTION = "training.recipe"
_ADVICE = (
    "; install it where the recipe runs: on this machine with pip, and for tasks in the account by "
    "`training.requirements` (docs/training.md, Packages of the recipe)"
)


@dataclass(frozen=True, slots=True)
class Parent:
    """The version to go on from: its package, and the folder of training state that its recipe left, if any."""

    package: Package
    state: Path | None = None


class Recipe(Protocol):
    """The user's function. It trains on ``data.train()`` and gives the result to ``draft``.

    ``parent`` is None for ``mode: stateless``. What a later run with ``mode: stateful`` goes on from is written to the
    folder ``draft.state``.
    """

    def __call__(self, data: DataSet, draft: Draft, parent: Parent | None) -> None: ...


def load_recipe(entry: str, folder: Path) -> Recipe:
    """Import the recipe named ``module:function``, whose module may lie in the project's ``folder``.

    Raises:
        InputError: there is no such module or function, or it does not take ``(data, draft, parent)``. Errors of the
            user's own module are passed on.
    """
    found = find_entry(entry, OPTION, folder, advice=_ADVICE)
    try:
        inspect.signature(found).bind(None, None, None)
    except TypeError as error:
        message = f"{entry} must take (data, draft, parent), but is {entry.partition(':')[2]}{inspect.signature(found)}"
        raise InputError.of(OPTION, message) from error
    return cast("Recipe", found)


def missing_package(entry: str, error: ModuleNotFoundError) -> InputError:
    """The error for a recipe that imports a package while it trains, and does not find it."""
    return InputError.of(OPTION, f"{entry} imports {error.name}, which is not installed{_ADVICE}")
