"""A batch job: what is scored, by which package, and what has come of it. Its state is the files of its output."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from slipway.batch.features import FeaturesFrom
from slipway.batch.parts import Ids, OutputFormat
from slipway.batch.shards import Shard
from slipway.models.package import Package
from slipway.monitoring.feedback.prediction_ids import PredictionId

if TYPE_CHECKING:
    import pyarrow

JOB = "_job.json"
MANIFEST = "_manifest.jsonl"
SUCCESS = "_SUCCESS"
REJECTED = "rejected"

OUTCOMES = "_outcomes"
PROFILES, CAPTURES = "_profiles", "_captures"
PROFILE = "_profile.json"
"""The profile of the whole job: the sum of those of its shards."""

_JOB_DIGITS = 4
_ROW_DIGITS = 10
_NO_BUCKET = "ff"
_HEXADECIMAL = np.frombuffer(b"0123456789abcdef", np.uint8)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


TIME_TO_LIVE = timedelta(days=1)
"""How long the API answers from precomputed predictions by default: those of a job that runs each night."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a job does besides scoring the columns of its input.

    Attributes:
        features: where the features of entities that rows name are read.
        time_column: the column with each row's time, which features from history need.
        precompute: the entity under which answers are also written into the predictions table.
        ttl: how long the API answers from them.
        sample: the share of rows that is counted into a profile, as `capture.sample` of slipway.yaml.
        captures: of the sampled rows of a shard, how many are kept whole.
        sampled_by: the entity all of whose rows are sampled, or none; None to sample rows.
    """

    features: FeaturesFrom = FeaturesFrom.NONE
    time_column: str | None = None
    precompute: str | None = None
    ttl: timedelta = TIME_TO_LIVE
    sample: float = 0.0
    captures: int = 0
    sampled_by: str | None = None


class Job(_Document):
    """What a job does to each shard. ``package`` is the SHA-256 of the manifest of the version that scores."""

    format: int = 1
    model: str
    version: int
    package: str
    output: OutputFormat
    batch_size: int | None
    made_at: datetime
    extras: Extras = Extras()

    @classmethod
    def of(
        cls,
        package: Package,
        output: OutputFormat,
        batch_size: int | None,
        now: datetime,
        extras: Extras = Extras(),
    ) -> Self:
        """The job that scores with a package."""
        manifest = package.manifest
        digest = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
        made_at = now.astimezone(UTC).replace(microsecond=0)
        return cls(
            model=manifest.name,
            version=manifest.version,
            package=digest,
            output=output,
            batch_size=batch_size,
            made_at=made_at,
            extras=extras,
        )

    @property
    def digest(self) -> str:
        """Goes into the digest of each part, so that none is taken for that of another job."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def continues(self, other: "Job") -> bool:
        """Whether this job does what another did, at whatever time."""
        return self.model_copy(update={"made_at": other.made_at}) == other

    def part(self, shard: Shard) -> str:
        """The name of a shard's output."""
        return f"{self.name(shard)}.{self.output}"

    def rejected(self, shard: Shard) -> str:
        """The name of the file with a shard's rejected rows, if it has any."""
        return f"{REJECTED}/{self.name(shard)}.jsonl"

    def outcome(self, shard: Shard) -> str:
        """The name of the file that says what has come of a shard; it is written last."""
        return f"{OUTCOMES}/{self.name(shard)}.json"

    def profile(self, shard: Shard) -> str:
        """The name of the file with the counts of a shard's sampled rows."""
        return f"{PROFILES}/{self.name(shard)}.json"

    def captures(self, shard: Shard) -> str:
        """The name of the file with some of a shard's sampled rows, whole."""
        return f"{CAPTURES}/{self.name(shard)}.jsonl"

    def name(self, shard: Shard) -> str:
        """What the names of a shard's files have in common."""
        return f"part-{shard.number:05d}-{shard.digest(self.digest)}"

    def ids(self, shard: Shard) -> Ids:
        """Makes prediction ids that are the same each time: of the job, its time, and the row's number in all of it.

        They are not signed, so feedback on them is refused.
        """
        unique = f"{int(self.made_at.timestamp()):08x}{self.digest[:_JOB_DIGITS]}"
        begin = str(PredictionId(self.model, self.version, unique))
        return lambda rows: _numbered(begin, rows + shard.base)


def _numbered(begin: str, numbers: NDArray[np.intp]) -> "pyarrow.Array":
    """Texts of ``begin``, a number in hexadecimal and the mark of no bucket, made in one piece of memory."""
    import pyarrow as pa

    first, last = begin.encode(), _NO_BUCKET.encode()
    digits = _HEXADECIMAL[(numbers[:, None] >> np.arange(4 * (_ROW_DIGITS - 1), -1, -4)) & 15]
    width = len(first) + _ROW_DIGITS + len(last)
    texts = np.empty((len(numbers), width), np.uint8)
    texts[:, : len(first)] = np.frombuffer(first, np.uint8)
    texts[:, len(first) : -len(last)] = digits
    texts[:, -len(last) :] = np.frombuffer(last, np.uint8)
    offsets = np.arange(0, (len(numbers) + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(texts))


class Outcome(_Document):
    """What has come of one shard, beside its part."""

    scored: int
    rejected: int
    precomputed: int = 0
    sampled: int = 0
    labels: dict[str, int] = {}


class Summary(_Document):
    """The content of ``_SUCCESS``: what the whole output holds."""

    job: Job
    rows: Annotated[int, Field(ge=0)]
    scored: int
    rejected: int
    precomputed: int = 0
    sampled: int = 0
    parts: int
    labels: dict[str, int]

    @classmethod
    def of(cls, job: Job, outcomes: Iterable[Outcome]) -> Self:
        """Add up what has come of all shards."""
        found = list(outcomes)
        labels: dict[str, int] = {}
        for outcome in found:
            for label, count in outcome.labels.items():
                labels[label] = labels.get(label, 0) + count
        scored, rejected = sum(each.scored for each in found), sum(each.rejected for each in found)
        return cls(
            job=job,
            rows=scored + rejected,
            scored=scored,
            rejected=rejected,
            precomputed=sum(each.precomputed for each in found),
            sampled=sum(each.sampled for each in found),
            parts=len(found),
            labels=dict(sorted(labels.items())),
        )

    def text(self) -> str:
        """The content as JSON that people read, too."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"
