"""The contract of recipes: ``train(data, draft, parent)`` reads a data set and fills the draft of a package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slipway.models.package import Package
from slipway.training.dataset import DataSet
from slipway.training.draft import Draft


@dataclass(frozen=True, slots=True)
class Parent:
    """The version to go on from: its package, and the folder of training state that its recipe left, if any."""

    package: Package
    state: Path | None = None


class Recipe(Protocol):
    """The user's function. It trains on ``data.train()`` and gives the result to ``draft``.

    ``parent`` is None for ``mode: stateless``, and for the first version of a model. What a later run with
    ``mode: stateful`` goes on from is written to the folder ``draft.state``.
    """

    def __call__(self, data: DataSet, draft: Draft, parent: Parent | None) -> None: ...
