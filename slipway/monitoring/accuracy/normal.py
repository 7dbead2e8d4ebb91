"""What accuracy is compared with: that on the validation records, or what was acknowledged as the new normal."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import InputError, StaleError
from slipway.models.measurements.calibration import Calibration
from slipway.monitoring.accuracy.correction import Corrected
from slipway.monitoring.accuracy.evidence import (
    DRAWN,
    ESTIMATED,
    FEEDBACK,
    WEIGHTS,
    Hour,
    Reference,
    Unit,
    of_estimate,
    of_feedback,
)
from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.state import MONITORING
from slipway.monitoring.steps import Labelled
from slipway.statistics.intervals import NORMAL

NORMAL_FILE = "accuracy-normal.json"
_DIGEST_BYTES = 8


class Figure(BaseModel):
    """An accuracy, and how many independent records measured it."""

    model_config = ConfigDict(frozen=True)

    accuracy: Annotated[float, Field(ge=0, le=1)]
    records: Annotated[float, Field(gt=0)]


class NormalAccuracy(BaseModel):
    """What somebody acknowledged of a version: the figure of each stream of evidence in a window."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = 1
    calibration: str
    start: AwareDatetime
    end: AwareDatetime
    figures: Annotated[dict[str, Figure], Field(min_length=1)]

    def is_of(self, calibration: Calibration) -> bool:
        """Whether it was acknowledged of this calibration; another one begins anew."""
        return self.calibration == calibration.digest

    @property
    def digest(self) -> str:
        """What the evidence against this normal is known by."""
        return blake2b(self.model_dump_json().encode(), digest_size=_DIGEST_BYTES).hexdigest()


class NormalReader(Protocol):
    """Reads what was acknowledged."""

    def read(self, model: str, version: int) -> NormalAccuracy | None:
        """The normal accuracy of a version, or None; raises UnavailableError."""
        ...


class AsSealed:
    """A `NormalReader` of versions that are compared with their validation records."""

    def read(self, model: str, version: int) -> None:  # noqa: ARG002
        return None


class BucketNormals:
    """A `NormalReader` beside the monitor's state, one small object for each version."""

    def __init__(self, bucket: ObjectBucket) -> None:
        self._bucket = bucket

    def read(self, model: str, version: int) -> NormalAccuracy | None:
        return self._stored(normal_key(model, version))[0]

    def write(self, model: str, version: int, normal: NormalAccuracy | None, *, before: NormalAccuracy | None) -> None:
        """Store what is normal in place of ``before``, which was read; None stands for the validation records.

        Raises:
            StaleError: somebody else has changed it meanwhile; nothing was written.
            UnavailableError: the bucket cannot be reached.
        """
        key = normal_key(model, version)
        stored, tag = self._stored(key)
        content = b"null" if normal is None else normal.model_dump_json().encode()
        if stored != before or not self._bucket.replace(key, content, tag):
            raise StaleError(f"somebody else has changed what is normal for {model} {version}; look at it, try again")

    def _stored(self, key: str) -> tuple[NormalAccuracy | None, str | None]:
        found = self._bucket.tagged(key)
        if found is None:
            return None, None
        content, tag = found
        if content == b"null":
            return None, tag
        try:
            return NormalAccuracy.model_validate_json(content), tag
        except ValidationError as error:
            problems = "; ".join(f"{problem.field}: {problem.message}" for problem in field_problems(error))
            raise InputError.of(key, f"is not an acknowledged accuracy: {problems}") from error


def normal_key(model: str, version: int) -> str:
    """The key of the object that says what is normal for a version."""
    return f"{MONITORING}/model={model}/version={version}/{NORMAL_FILE}"


def references_of(calibration: Calibration, normal: NormalAccuracy | None) -> Mapping[str, Reference]:
    """What each stream is compared with.

    A stream of which nothing was known when somebody acknowledged the rest is compared with the least of those.
    """
    sealed = Reference.of(calibration)
    if normal is None or not normal.is_of(calibration):
        return dict.fromkeys(WEIGHTS, sealed)
    known = {name: Reference(each.accuracy, each.records) for name, each in normal.figures.items()}
    least = min((*known.values(), sealed), key=lambda each: each.accuracy)
    return {name: known.get(name, least) for name in WEIGHTS}


def normal_of(
    calibration: Calibration,
    captured: Hour,
    labelled: Sequence[Labelled],
    corrected: Corrected | None,
    *,
    start: datetime,
    end: datetime,
    representative: bool,
) -> NormalAccuracy | None:
    """The accuracy of a window as the new normal, as each stream sees it; None if nothing was captured."""
    units = {ESTIMATED: of_estimate(captured, calibration)}
    if labelled:
        units[FEEDBACK] = of_feedback(captured, labelled, calibration, representative=representative)
    if corrected is not None:
        units[DRAWN] = Unit(corrected.once.value, _independent(corrected))
    figures = {
        name: Figure(accuracy=min(max(unit.value, 0.0), 1.0), records=max(unit.n, 1.0))
        for name, unit in units.items()
        if unit is not None
    }
    return NormalAccuracy(calibration=calibration.digest, start=start, end=end, figures=figures) if figures else None


def _independent(corrected: Corrected) -> float:
    """How many independent records would give as narrow an interval, by their variance p (1 - p) / n."""
    once = corrected.once
    deviation = (once.high - once.low) / (2 * NORMAL.inv_cdf(0.975))
    spread = max(once.value * (1 - once.value), 0.01)
    return spread / deviation**2 if deviation > 0 and math.isfinite(deviation) else float(corrected.labels)
