"""What the steps of training need of the world: labelled predictions, stored data sets, and versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from slipway.models.gates.rules import Check
from slipway.models.manifest import Record
from slipway.models.package import Package
from slipway.models.prediction.labels import Truth
from slipway.models.registry.versions import Lineage
from slipway.training.dataset import DataSet
from slipway.training.run import Run


@dataclass(frozen=True, slots=True)
class Example:
    """A prediction whose true answer is known: the record as it was served, and the answer.

    ``weight`` is one over the probability with which the record was drawn for its label, 1 if it was not drawn.
    """

    id: str
    time: datetime
    record: Record
    true: Truth
    weight: float = 1.0
    entities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offered:
    """What is known of a version that a run registered; ``withdrawn`` says why it may not be used, if so."""

    version: int
    lineage: Lineage
    withdrawn: str | None = None


class Examples(Protocol):
    """Reads labelled predictions."""

    def examples(self, run: Run) -> Iterable[Example]:
        """Those of predictions made in the run's window, in any order; raises UnavailableError."""
        ...


class NoExamples:
    """`Examples` of a step that may not read captures, since its data set is made."""

    def examples(self, run: Run) -> tuple[Example, ...]:  # noqa: ARG002 - as `Examples`
        """None."""
        return ()


class DataSets(Protocol):
    """Stores data sets, each once, by run and by digest. Every method raises UnavailableError."""

    def of_run(self, run: Run) -> DataSet | None:
        """The data set that was stored for a run, on this machine, or None."""
        ...

    def of_digest(self, model: str, sha256: str) -> DataSet | None:
        """The data set with this digest, on this machine, or None if it is gone."""
        ...

    def store(self, run: Run, data: DataSet) -> DataSet:
        """Store a data set for a run and return it where it lies now; an earlier one of the run is returned instead."""
        ...


class Versions(Protocol):
    """The versions of models, where runs register theirs. Every method raises UnavailableError."""

    def package(self, model: str, number: int) -> Package:
        """A version on this machine; raises NotFoundError."""
        ...

    def state(self, model: str, number: int) -> Path | None:
        """The folder with the training state of a version, on this machine, or None if it has none."""
        ...

    def offered(self, model: str) -> Sequence[Offered]:
        """The versions that runs registered, by number."""
        ...

    def register(self, package: Package, check: Check, run: Run, lineage: Lineage) -> int:
        """Store a package as the next version, and return its number.

        Raises:
            CheckFailedError: ``check`` failed.
        """
        ...

    def keep_state(self, model: str, number: int, state: Path) -> None:
        """Store the training state of a version, in place of what an attempt that went no further has stored."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All of them."""

    examples: Examples
    data: DataSets
    versions: Versions
