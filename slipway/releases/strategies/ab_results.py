"""The results of an A/B test: each candidate's interval, and how many outcomes the test still needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slipway.config.releases.options import AbTest
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.statistics.clusters import Difference, Sample, adjusted, difference
from slipway.releases.statistics.sample_size import Interval, early_alpha, final_alpha, fixed_interval, running_interval
from slipway.releases.statistics.user_intervals import Plan, interval_at_any_time, interval_at_end, plan_for


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One candidate against the stable version; ``interval`` is of the kind that is valid at this look."""

    version: int
    interval: Interval | None
    sentence: str


@dataclass(frozen=True, slots=True)
class AbResults:
    """The result of every live candidate; ``complete`` means that each version has the outcomes of the plan.

    So many outcomes as the ``design_effect`` are worth one independent one.
    """

    arms: tuple[ArmResult, ...]
    complete: bool
    design_effect: float = 1.0


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """The outcomes of one version, so that more is better; ``users`` has them by bucket, if they are counted so."""

    tally: Tally
    users: Sample | None


@dataclass(frozen=True, slots=True)
class _Pair:
    """A candidate beside the stable version; ``before`` has what the buckets' users did before the release."""

    candidate: _Outcomes
    stable: _Outcomes
    before: Clusters | None

    @property
    def apart(self) -> Difference | None:
        """The difference by users, if those are counted."""
        ours, theirs = self.candidate.users, self.stable.users
        if ours is None or theirs is None:
            return None
        return difference(ours, theirs) if self.before is None else adjusted(ours, theirs, self.before)

    def interval(self, alpha: float) -> Interval | None:
        """The interval for a look at a planned time."""
        apart = self.apart
        if apart is None:
            return fixed_interval(self.candidate.tally, self.stable.tally, alpha)
        return interval_at_end(apart, alpha)

    def early_interval(self, alpha: float, planned: int) -> Interval | None:
        """The interval for any look before."""
        ours, theirs, apart = self.candidate, self.stable, self.apart
        if apart is None or ours.users is None or theirs.users is None:
            return running_interval(ours.tally, theirs.tally, alpha, planned=planned)
        return interval_at_any_time(apart, ours.users, theirs.users, alpha, planned=planned)


def ab_results(record: ReleaseRecord, options: AbTest, live: Sequence[int], *, over: bool = False) -> AbResults:
    """The results so far; ``over`` means that the test has no more time, so that this look is its last."""
    arms = len(record.candidates) + 1
    stable = _outcomes(record, options, record.stable)
    before = _before(record, options)
    pairs = {version: _Pair(_outcomes(record, options, version), stable, before) for version in live}
    apart = [pair.apart for pair in pairs.values()]
    by_users = [each for each in apart if each is not None]
    plan = plan_for(options, by_users, arms=arms)
    complete = all(each.tally.n >= plan.outcomes for each in (stable, *(pair.candidate for pair in pairs.values())))
    results = []
    for version, pair in pairs.items():
        interval = None
        if complete or (over and by_users):
            interval = pair.interval(final_alpha(options, arms=arms))
        elif options.sequential:
            interval = pair.early_interval(early_alpha(options, arms=arms), plan.independent)
        sentence = f"version {version}: {_sentence(pair, options, plan)}"
        past = ", less what its users' past explains" if before and pair.apart else ""
        found = f"{sentence}, {interval.sentence}{past}" if interval else sentence
        results.append(ArmResult(version, interval, found))
    return AbResults(tuple(results), complete, plan.design_effect)


def _sentence(pair: _Pair, options: AbTest, plan: Plan) -> str:
    ours, theirs = pair.candidate.tally, pair.stable.tally
    counts = f"{ours.n:,.0f} and {theirs.n:,.0f} of {plan.sentence}"
    return f"{counts}, {options.metric} {ours.mean:.4f} against {theirs.mean:.4f}"


def _outcomes(record: ReleaseRecord, options: AbTest, version: int) -> _Outcomes:
    tally, users = record.total(version, options.metric), record.sample(version, options.metric)
    if users is not None and tally.squares is not None:
        users = replace(users, spread=np.array(tally.variance))
    if options.metric == keys.ACCURACY:
        return _Outcomes(Tally(tally.n, tally.n - tally.total), users.flipped if users else None)
    return _Outcomes(tally, users)


def _before(record: ReleaseRecord, options: AbTest) -> Clusters | None:
    stored = record.clusters_before.get(options.metric)
    if stored is None:
        return None
    return stored.unpacked().flipped if options.metric == keys.ACCURACY else stored.unpacked()
