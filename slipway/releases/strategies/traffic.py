"""Watch the traffic itself: candidates for which nothing is counted, and requests that are not shared as intended."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from slipway.config.releases.options import Interleave, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Evidence, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.traffic import StoredTraffic
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.routing.sticky import sticky_of
from slipway.releases.statistics.judge import Outcome, Verdict
from slipway.releases.statistics.sample_ratio import ShareCounts, log_evidence_of_users
from slipway.releases.statistics.silence import Silence, audible
from slipway.releases.strategies.analysis import Analysis
from slipway.statistics.betting import Array
from slipway.wording import counted

SETTLING = timedelta(seconds=30)
"""How long after a change of shares the last process may still use the shares before."""
# The part of `false_rollback` that silences may spend beside the metrics.
SILENCES = 0.1


def watched(seen: Analysis, evidence: Evidence, now: datetime, *, moved: bool) -> Analysis:
    """Add the traffic of the windows that were new in this analysis, and what it says.

    A silent candidate is to be rolled back, and a mismatch of shares is said in the analysis. The shares are those that
    the load balancer applies, where there is one: its weights are integers.
    """
    record = seen.record
    if is_watched(record):
        settled = [window for window in evidence.windows if is_settled(record, window.start)]
        traffic = _after(record, settled, evidence.observed.shares or record.weights)
        record = record.model_copy(update={"traffic": traffic})
        silent = {v: verdict for v, verdict in _silences(record) if seen.verdicts[v].outcome is not Outcome.ROLLBACK}
        seen = replace(seen, verdicts={**seen.verdicts, **silent}, mismatch=mismatch(record))
    if not moved:  # the shares begin when the traffic gets there
        record = record.model_copy(update={"shares_since": now})
    return replace(seen, record=record)


def is_watched(record: ReleaseRecord) -> bool:
    """Whether the traffic can be compared with the shares: side by side, and with every request counted."""
    return record.phase is Phase.RUNNING and not isinstance(record.options, Shadow) and not record.cached


def is_settled(record: ReleaseRecord, start: datetime) -> bool:
    """Whether every process used the present shares from ``start`` on."""
    return record.shares_since is not None and start >= record.shares_since + SETTLING


def expected_shares(record: ReleaseRecord, live: Mapping[int, float]) -> Array:
    """The share of the requests that each version should have, the stable one first.

    In an interleaving both versions answer each request.
    """
    versions = (record.stable, *record.candidates)
    if isinstance(record.options, Interleave):
        return np.full(len(versions), 1 / len(versions))
    return np.array([live.get(version, 0.0) for version in versions])


def traffic_of(record: ReleaseRecord) -> StoredTraffic:
    """The traffic so far, which is none at the start."""
    candidates = len(record.candidates)
    return record.traffic or StoredTraffic.of(ShareCounts.of(candidates + 1), Silence.of(candidates))


def mismatch(record: ReleaseRecord) -> str | None:
    """Say both shares if the requests are not shared as intended; None otherwise."""
    if record.traffic is None or isinstance(record.options, Interleave):
        return None
    counts = record.traffic.share_counts
    evidence = float(_evidence(record, counts))
    if evidence < math.log(1 / record.judge.false_rollback) or not counts.matters:
        return None
    total, versions = float(counts.seen.sum()), (record.stable, *record.candidates)
    furthest = int(np.abs(counts.seen - counts.expected)[1:].argmax()) + 1
    had, should = (100 * float(each[furthest]) / total for each in (counts.seen, counts.expected))
    return (
        f"the requests are not shared as intended: version {versions[furthest]} has {had:.3g} % of {total:,.0f} and "
        f"should have {should:.3g} %, at odds of {math.exp(min(evidence, 50)):,.3g} to 1"
    )


def _evidence(record: ReleaseRecord, counts: ShareCounts) -> Array:
    """Users are the unit if they are assigned as a whole. Without their buckets nothing is known of them."""
    if sticky_of(record.options) is None:
        return counts.evidence
    excess = record.traffic.excess_by_bucket if record.traffic else np.zeros((1, BUCKETS))
    return log_evidence_of_users(excess)


def _after(record: ReleaseRecord, windows: Sequence[Window], live: Mapping[int, float]) -> StoredTraffic:
    known = traffic_of(record)
    counts, silence, excess = known.share_counts, known.silences, known.excess_by_bucket
    shares, sticky = expected_shares(record, live), sticky_of(record.options) is not None
    versions = (record.stable, *record.candidates)
    for window in windows:
        n = np.array([window.tally(version, keys.ERRORS).n for version in versions])
        by_bucket = _by_bucket(window, versions)
        users = np.array(float(np.count_nonzero(by_bucket[0]))) if sticky else None
        silence = silence.after(n, shares, window.minutes, users=users)
        counts = counts.after(n, audible(shares, silence))
        excess = excess + by_bucket - shares[:, None] * by_bucket.sum(axis=0)
    return StoredTraffic.of(counts, silence, excess if sticky else None)


def _by_bucket(window: Window, versions: Sequence[int]) -> Array:
    """The requests of each version by bucket of the sticky value; none where they are not counted so."""
    clusters = [window.clusters.get(version, {}).get(keys.ERRORS) for version in versions]
    return np.array([np.zeros(BUCKETS) if each is None else each.n for each in clusters])


def _silences(record: ReleaseRecord) -> Iterator[tuple[int, Verdict]]:
    if record.traffic is None:
        return
    silence = record.traffic.silences
    silent = silence.silent(record.judge.silent_minutes, SILENCES * record.judge.false_rollback)
    for index in np.flatnonzero(silent).tolist():
        version, minutes = record.candidates[index], counted(float(silence.minutes[index]), "minute")
        sentence = (
            f"no request of version {version} was counted in {minutes}, in which version {record.stable} had "
            f"{silence.requests[index]:,.0f}: requests or metrics of version {version} do not arrive"
        )
        yield version, Verdict(Outcome.ROLLBACK, sentence)
