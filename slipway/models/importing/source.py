"""The interface of every kind of import: its traits, its own answers, and its graph."""

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
    """One input by the source's name, with what the source knows of it.

    ``nullable`` is False if it may not be missing, and None if that is to be tried. ``takes_unknown``: the model
    accepts categories that it has never seen.
    """

    name: str
    type: FeatureType | None = None
    allowed: tuple[Scalar, ...] | None = None
    is_text: bool = False
    nullable: bool | None = None
    takes_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Traits:
    """What a source knows of itself; None is unknown.

    ``answers`` is the kind of its raw outputs: ``probabilities``, ``logits`` or ``values``. ``classes`` are labels
    of the samples, which the request's ``labels`` may rename. ``multi_label``: each label has a probability of its own.
    """

    columns: tuple[Column, ...] | None = None
    task: str | None = None
    classes: tuple[str, ...] | None = None
    answers: str | None = None
    width: int | None = None
    multi_label: bool | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only the user knows; ``option`` answers it without a prompt."""

    option: str
    text: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The source's columns with the manifest's name and type of each, in the same order."""

    columns: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[FeatureType, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """A source's graph before it is written, and the text of its tokenizer.json if it has one."""

    draft: GraphDraft
    tokenizer: str | None = None


class Source(Protocol):
    """A model of another framework, opened.

    ``kind`` describes it in words; ``frameworks`` are the distributions that its export depends on.
    """

    @property
    def frameworks(self) -> tuple[str, ...]: ...

    @property
    def kind(self) -> str: ...

    def traits(self, samples: Samples | None) -> Traits:
        """What the source knows of itself, with or without sample records."""

    def examples(self, names: Sequence[str], /) -> Samples | None:
        """The source's own sample records, if any; ``names`` are the names of its inputs that the user stated."""

    def answers(self, records: Sequence[Record], fields: Fields) -> Values:
        """The original's raw outputs, ``[records, width]``; ``records`` have the manifest's names."""

    def export(self, fields: Fields, /) -> Exported:
        """The graph, with a free first dimension. The source is not used afterwards."""
