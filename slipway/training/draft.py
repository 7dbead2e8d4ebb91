"""The draft of a package that a recipe fills."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.config.training import Scalar
from slipway.models.package import Package
from slipway.training.dataset import DataSet
from slipway.training.run import Run


@dataclass(frozen=True, slots=True)
class Draft:
    """Where the result of a run goes, in a folder: the package, and the training state beside it.

    Attributes:
        folder: the folder of the draft.
        run: the run.
        data: its data set, whose newest slice the package is measured on.
        number: the number that the package gets until it is registered.
        like: the version that serves, whose inputs, texts and golden records the package takes over, if any.
    """

    folder: Path
    run: Run
    data: DataSet
    number: int
    like: Package | None = None

    @property
    def package(self) -> Path:
        """The folder of the package; a recipe that makes its package itself writes it there."""
        return self.folder / "package"

    @property
    def state(self) -> Path:
        """The folder for training state, which exists; it is kept with the version, apart from its package."""
        return self.folder / "state"

    @property
    def parameters(self) -> dict[str, Scalar]:
        """`training.parameters` of slipway.yaml."""
        return self.run.parameters

    def from_sklearn(self, model: Any, *, seed: int | None = None) -> Package:
        """Make the package of a fitted scikit-learn estimator or pipeline, as `slipway model import` does."""
        raise NotImplementedError

    def from_onnx(self, graph: Path, *, seed: int | None = None) -> Package:
        """Make the package of an ONNX graph, as `slipway model import` does."""
        raise NotImplementedError
