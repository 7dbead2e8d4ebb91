"""What every kind of import gives: what it knows of itself, its own answers, and its graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from slipway.config import FeatureType
from slipway.models.importing.graphs import GraphDraft
from slipway.models.importing.samples import Samples
from slipway.models.manifest import Record, Scalar

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One input by the source's own name, with what the source itself knows of it."""

    name: str
    type: FeatureType | None = None
    allowed: tuple[Scalar, ...] | None = None
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Traits:
    """What a source knows of itself. None is what it cannot know.

    ``answers`` says what its raw outputs are: ``probabilities``, ``logits`` or ``values``. ``classes`` are the names
    that sample labels have, where ``labels`` renames them.
    """

    columns: tuple[Column, ...] | None = None
    task: str | None = None
    classes: tuple[str, ...] | None = None
    answers: str | None = None
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only the user knows; ``option`` is how to answer it without being asked."""

    option: str
    text: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The inputs, settled: the source's columns, and the manifest's type and name of each, in the same order."""

    columns: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[FeatureType, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """A source's graph before it is written, and the text of its tokenizer.json where it has one."""

    draft: GraphDraft
    tokenizer: str | None = None


class Source(Protocol):
    """A model of another framework, opened.

    ``kind`` says in words what it is, ``frameworks`` which distributions have a say in its export.
    """

    @property
    def frameworks(self) -> tuple[str, ...]: ...

    @property
    def kind(self) -> str: ...

    def traits(self, samples: Samples | None) -> Traits:
        """What the source knows of itself, given sample records or none."""

    def examples(self, names: Sequence[str], /) -> Samples | None:
        """Sample records that the source brings itself; ``names`` are its inputs', where the user gave them."""

    def answers(self, records: Sequence[Record], fields: Fields) -> Values:
        """The original's own raw outputs, ``[records, width]``; ``records`` are by the manifest's names."""

    def export(self, fields: Fields, /) -> Exported:
        """The graph, with a first dimension of any size. The source is not used after it."""
