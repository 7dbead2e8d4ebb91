"""The release record: the complete stored state of one release, as a value that round-trips through JSON."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, FiniteFloat, ValidationError

from slipway.config import Name, VersionNumber
from slipway.config.releases.options import JudgeConfig, Options, Shadow
from slipway.config.validation import field_problems
from slipway.errors import InputError
from slipway.monitoring.feedback.prediction_ids import release_tag
from slipway.releases.evidence.tallies import NOTHING, P50, P99, Clusters, Tally
from slipway.releases.record.groups import StoredGroup, StoredSegment
from slipway.releases.record.phases import HistoryEntry, OperatorOrder, Phase, Stored
from slipway.releases.record.stored_evidence import LatencyLimits, StoredCapital, StoredClusters, StoredTally
from slipway.releases.record.stored_strata import StoredStrata
from slipway.releases.record.traffic import StoredTraffic
from slipway.releases.routing.release import Candidate, Release, Shadowing
from slipway.releases.routing.segments import Segment, Segmenting
from slipway.releases.routing.sticky import sticky_of
from slipway.releases.statistics.clusters import Sample

_LABELS_BY_SEGMENT = 10


class ReleaseRecord(Stored):
    """One release.

    - ``shares``: the shares that the candidates should have now; ``shares_before``: the shares before the last change.
    - ``labels``: the labels that are counted, for a classifier; ``value_limits``: the limits over which predictions are
      counted, for a regression; ``target_limits``: the same by target, for one with several.
    - ``segments``: the inputs by whose values results are shown apart; ``groups`` has the sums until ``grouped_until``.
    - ``minutes`` and ``requests``: the progress of the current step, counted only while its candidate has traffic.
    - ``settled``: the release has ended and the world matches the record.
    - ``reference``, ``reference_low``: upper and lower bounds on the stable version's means, row by row, for use once
      it has no traffic.
    - ``clusters``: the sums by bucket of the sticky value, per version and key; ``clusters_before``: those of the same
      users before the release, per key.
    - ``strata``: a bandit's rewards by period; None before the first.
    - ``told``: the number of history entries that were sent to subscribers.
    - ``held``: both versions fail alike.
    - ``traffic``: the requests beside the shares that were intended; ``mismatched``: they differ beyond chance.
    - ``shares_since``: since when the traffic has been where ``shares`` want it, as far as is known.
    - ``ordered``: an operator gave the candidate all traffic, so the bake asks for no proof.
    - ``cached``: answers may come from a cache, which counts them for no version.
    - ``conflict``: the live shares are not those of the record.
    - ``revision``: the revision for optimistic locking.
    """

    format: Literal[1] = 1
    id: Annotated[str, Field(min_length=1, max_length=128)]
    model: Name
    tier: Literal["light", "heavy"] = "light"
    stable: VersionNumber
    candidates: Annotated[tuple[VersionNumber, ...], Field(min_length=1)]
    options: Options
    judge: JudgeConfig = JudgeConfig()
    labels: tuple[str, ...] = ()
    value_limits: tuple[FiniteFloat, ...] = ()
    target_limits: dict[str, tuple[FiniteFloat, ...]] = Field(default={})
    segments: tuple[StoredSegment, ...] = ()
    groups: tuple[StoredGroup, ...] = ()
    grouped_until: AwareDatetime | None = None
    started_at: AwareDatetime
    started_by: str
    reason: str = ""
    phase: Phase = Phase.PENDING
    phase_since: AwareDatetime
    step: int = 0
    minutes: float = 0
    requests: float = 0
    judged_until: AwareDatetime
    shares: tuple[float, ...]
    shares_before: tuple[float, ...]
    winner: VersionNumber | None = None
    limits: LatencyLimits | None = None
    capitals: tuple[StoredCapital, ...] = ()
    reference: tuple[float, ...] | None = None
    reference_low: tuple[float, ...] | None = None
    totals: dict[VersionNumber, dict[str, StoredTally]] = Field(default={})
    clusters: dict[VersionNumber, dict[str, StoredClusters]] = Field(default={})
    clusters_before: dict[str, StoredClusters] = Field(default={})
    weighed_at: AwareDatetime | None = None
    strata: StoredStrata | None = None
    held: bool = False
    traffic: StoredTraffic | None = None
    mismatched: bool = False
    shares_since: AwareDatetime | None = None
    ordered: bool = False
    cached: bool = False
    conflict: bool = False
    order: OperatorOrder | None = None
    history: tuple[HistoryEntry, ...] = ()
    told: int = 0
    settled: bool = False
    revision: int = 0

    @property
    def salt(self) -> str:
        """The salt that makes this release's assignment independent of every other release's."""
        return self.id

    @property
    def serving(self) -> Release:
        """The part of the release that assignment needs."""
        if self.phase.ended:
            return Release(self.model, self.stable_now, strategy=None, salt=self.salt)
        arms = tuple(Candidate(version, share) for version, share in zip(self.candidates, self.shares, strict=True))
        return Release(self.model, self.stable, arms, self.options.strategy, self.salt, sticky_of(self.options))

    @property
    def shadowing(self) -> Shadowing | None:
        """How the candidates score captures; None unless they are running as shadows."""
        if not isinstance(self.options, Shadow) or self.phase is not Phase.RUNNING:
            return None
        return Shadowing(self.options.sample, self.options.tolerance)

    @property
    def segmenting(self) -> Segmenting | None:
        """How to count by segment; None without segments or while no candidate answers beside the stable version."""
        if not self.segments or self.phase is not Phase.RUNNING or isinstance(self.options, Shadow):
            return None
        limits = {version: self.latency_limits(version) for version in self.weights}
        latency = {version: (each[P50], each[P99]) for version, each in limits.items() if each}
        segments = tuple(segment.unpacked for segment in self.segments)
        return Segmenting(release_tag(self.salt), segments, latency, self.counted_labels, self.value_limits)

    @property
    def counted_labels(self) -> tuple[str, ...]:
        """The labels that are counted by segment: not all of a classifier of many classes."""
        return self.labels[:_LABELS_BY_SEGMENT]

    @property
    def stable_now(self) -> int:
        """The current stable version: the winner once it is promoted."""
        return self.winner if self.phase is Phase.PROMOTED and self.winner else self.stable

    @property
    def weights(self) -> dict[int, float]:
        """The share that each version should have now."""
        return _weights(self.stable, self.candidates, self.shares)

    @property
    def weights_before(self) -> dict[int, float]:
        """The share that each version should have had before the last change."""
        return _weights(self.stable, self.candidates, self.shares_before)

    @property
    def running_since(self) -> datetime | None:
        """When the candidates got their first traffic or began to score; None before that."""
        return next((entry.at for entry in self.history if entry.phase in (Phase.RUNNING, Phase.BAKING)), None)

    @property
    def deadline(self) -> datetime:
        """When the release is rolled back if it is still undecided."""
        return self.started_at + timedelta(minutes=self.judge.deadline_minutes)

    def total(self, version: int, key: str) -> Tally:
        """An experiment's tally of one version since its start."""
        stored = self.totals.get(version, {}).get(key)
        return Tally(stored.n, stored.total, stored.squares) if stored else NOTHING

    def clustered(self, version: int, key: str) -> Clusters | None:
        """One version's sums by bucket since the start; None if they are not counted."""
        stored = self.clusters.get(version, {}).get(key)
        return stored.unpacked() if stored else None

    def sample(self, version: int, key: str) -> Sample | None:
        """The same for comparisons, with the outcomes of no user."""
        stored = self.clusters.get(version, {}).get(key)
        if stored is None:
            return None
        left = max(stored.rest.n, 0.0)
        return Sample.of(stored.unpacked(), Tally(left, min(max(stored.rest.total, 0.0), left)))

    def latency_limits(self, version: int) -> dict[str, float]:
        """The limits in milliseconds above which a latency counts into `p50` and `p99`; higher for candidates."""
        if self.limits is None:
            return {}
        slower = version != self.stable
        p50, p99 = (self.judge.p50.ratio, self.judge.p99.ratio) if slower else (1, 1)
        return {P50: self.limits.p50_ms * p50, P99: self.limits.p99_ms * p99}

    @property
    def both_latency_limits(self) -> dict[str, tuple[float, float]]:
        """The candidates' and the stable version's limit of each latency quantile, in milliseconds."""
        stable = self.latency_limits(self.stable)
        return {key: (limit, stable[key]) for key, limit in self.latency_limits(self.candidates[0]).items()}

    def with_order(self, order: OperatorOrder) -> "ReleaseRecord":
        """The record with an operator's order, which the next pass carries out."""
        return self.model_copy(update={"order": order})


def _weights(stable: int, candidates: tuple[int, ...], shares: tuple[float, ...]) -> dict[int, float]:
    return {stable: max(0.0, 1 - sum(shares)), **dict(zip(candidates, shares, strict=True))}


def new_record(
    *,
    model: str,
    tier: Literal["light", "heavy"],
    stable: int,
    candidates: tuple[int, ...],
    options: Options,
    judge: JudgeConfig,
    labels: tuple[str, ...],
    value_limits: tuple[float, ...] = (),
    target_limits: Mapping[str, tuple[float, ...]] | None = None,
    cached: bool = False,
    segments: tuple[Segment, ...] = (),
    now: datetime,
    by: str,
    reason: str = "",
) -> ReleaseRecord:
    """Create a pending release, with an id made of the model, the versions and the time."""
    arms = "-".join(map(str, candidates))
    none = (0.0,) * len(candidates)
    why = (reason,) if reason else ()
    return ReleaseRecord(
        id=f"{model}.{stable}-{arms}.{now:%Y%m%dT%H%M%S%f}",
        model=model,
        tier=tier,
        stable=stable,
        candidates=candidates,
        options=options,
        judge=judge,
        labels=labels,
        value_limits=value_limits,
        target_limits=dict(target_limits or {}),
        cached=cached,
        segments=tuple(StoredSegment(input=each.input, values=each.values) for each in segments),
        started_at=now,
        started_by=by,
        reason=reason,
        phase_since=now,
        judged_until=now,
        shares=none,
        shares_before=none,
        history=(HistoryEntry(at=now, by=by, phase=Phase.PENDING, what=f"{options.strategy} started", evidence=why),),
    )


def dump_record(record: ReleaseRecord) -> str:
    """The record as JSON."""
    return record.model_dump_json()


def load_record(text: str | bytes) -> ReleaseRecord:
    """Parse a record from JSON.

    Raises:
        InputError: the text is not a record, or has a format that this version of Slipway does not know.
    """
    try:
        return ReleaseRecord.model_validate_json(text)
    except ValidationError as error:
        raise InputError(field_problems(error, prefix="release")) from error
