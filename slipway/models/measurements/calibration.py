"""The calibration of a version: how probable a right answer is, given its score, measured on validation records.

``calibration.json`` holds it, so that accuracy can be estimated before labels come: docs/accuracy.md. A regression's
answers have no score, so it has none.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from slipway.config.validation import field_problems
from slipway.errors import PackageError

Array = NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]
Method = Literal["none", "platt", "isotonic"]
POOLED = ""
"""The name of the curve for every label that has none of its own."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Curve(_Part):
    """The probability of a right answer by score: linear between the points ``scores`` and ``probabilities``.

    ``counts[i]`` and ``right[i]`` are the validation records, and the right ones among them, whose score is above
    ``edges[i - 1]`` and up to ``edges[i]``.
    """

    scores: Annotated[tuple[float, ...], Field(min_length=1)]
    probabilities: tuple[Share, ...]
    edges: tuple[float, ...]
    counts: tuple[Annotated[int, Field(ge=0)], ...]
    right: tuple[Annotated[int, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if len(self.scores) != len(self.probabilities) or any(one >= two for one, two in pairwise(self.scores)):
            raise ValueError("`scores` must increase and have a probability each")
        if not len(self.counts) == len(self.right) == len(self.edges) + 1 or any(
            one >= two for one, two in pairwise(self.edges)
        ):
            raise ValueError("`edges` must increase, and `counts` and `right` need one more entry")
        return self

    def at(self, scores: Array) -> Array:
        """The probability at each score."""
        found: Array = np.interp(scores, self.scores, self.probabilities)
        return found

    def cells(self, scores: Array) -> NDArray[np.intp]:
        """The cell of each score."""
        return np.searchsorted(np.array(self.edges), scores, side="left")


class Calibration(_Part):
    """The whole of ``calibration.json``.

    ``error`` is the expected calibration error of the curves on records that they were not fitted to, ``raw_error``
    that of the score itself; ``accuracy`` is the share of right answers among ``records``. ``dispersion`` is how many
    times more the share of right answers varies between blocks of ``block`` consecutive validation records than if
    records were independent, and ``most_dispersion`` its upper bound.
    """

    format: Literal[1] = 1
    method: Method
    records: Annotated[int, Field(ge=1)]
    accuracy: Share
    error: Share
    raw_error: Share
    dispersion: Annotated[float, Field(ge=1)] = 1.0
    most_dispersion: Annotated[float, Field(ge=1)] = 1.0
    block: Annotated[int, Field(ge=1)] = 1
    curves: dict[str, Curve]

    @model_validator(mode="after")
    def _has_a_pooled_curve(self) -> Self:
        if POOLED not in self.curves:
            raise ValueError("`curves` needs the one that is named by an empty text")
        return self

    @cached_property
    def digest(self) -> str:
        """Tells calibrations apart: only sums over the same cells add up."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def dispersion_of(self, n: float) -> float:
        """The upper bound for ``n`` records: what blocks have in common weighs less in a part of one."""
        return 1 + (self.most_dispersion - 1) * min(1.0, n / self.block)

    def curve_name(self, label: str) -> str:
        """The name of the curve for a predicted label."""
        return label if label in self.curves else POOLED

    def probability(self, label: str, score: float) -> float:
        """The probability that an answer with this label and score is right."""
        return float(self.curves[self.curve_name(label)].at(np.array([score]))[0])

    def probabilities(self, labels: Sequence[str], scores: Array) -> Array:
        """The same for many answers."""
        names = np.array([self.curve_name(label) for label in labels], dtype=object)
        found = np.empty(len(scores))
        for name, curve in self.curves.items():
            of_curve = names == name
            found[of_curve] = curve.at(scores[of_curve])
        return found


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write ``calibration.json``, one line per curve."""
    document = calibration.model_dump(mode="json")
    curves = ",\n".join(f"  {json.dumps(name)}: {json.dumps(curve)}" for name, curve in document.pop("curves").items())
    head = json.dumps(document).removesuffix("}")
    path.write_text(f'{head},\n "curves": {{\n{curves}\n }}\n}}\n', encoding="utf-8")


def read_calibration(path: Path) -> Calibration:
    """Read ``calibration.json``; raises PackageError with the path of each wrong value."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PackageError(path, f"cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
        raise PackageError(path, problems) from error
