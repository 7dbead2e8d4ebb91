"""Compare versions group by group, with intervals that hold for all groups together and at every look.

With k comparisons, each interval has the error probability alpha / k (C. E. Bonferroni, 1936), half of it for each
version. A version's mean is bounded by a mixture of bets on it (H. Robbins, 1970), which is exact for outcomes from 0
to 1 at any look and any number of them. The normal approximation of A/B tests is not: groups are small and failures
rare.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import lgamma, log, log1p, pi

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import NOTHING, Groups, Tally
from slipway.releases.routing.segments import GroupKey, Segment
from slipway.releases.statistics.sample_size import Interval
from slipway.wording import counted

ALPHA = 0.05
_TINY = 1e-12
_HALVINGS = 40
_BAD = frozenset({keys.ERRORS, keys.P50, keys.P99})
_SUBJECTS = {
    keys.ERRORS: "errors",
    keys.P50: "latency over the limit of p50",
    keys.P99: "latency over the limit of p99",
    keys.SCORE: "mean score",
}


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """A candidate beside the stable version in one metric of one group; without outcomes of both, no interval."""

    group: str
    version: int
    key: str
    candidate: Tally
    stable: Tally
    interval: Interval | None

    @property
    def differs(self) -> bool:
        """Whether 0 is outside of the interval."""
        return self.interval is not None and (self.interval.low > 0 or self.interval.high < 0)

    @property
    def sentence(self) -> str:
        """The difference, for people."""
        subject = _SUBJECTS.get(self.key) or _output(self.key)
        counts = f"{_share(self.candidate)} against {_share(self.stable)}"
        if self.interval is None:
            return f"version {self.version}, {self.group}: {subject} {counts}, nothing to compare"
        found = self._judged if self.differs else "is not told apart"
        return f"version {self.version} {found} for {self.group}: {subject} {counts}, {self.interval.sentence}"

    @property
    def _judged(self) -> str:
        higher = self.interval is not None and self.interval.low > 0
        if self.key not in _BAD:
            return "is higher" if higher else "is lower"
        return "is worse" if higher else "is better"


@dataclass(frozen=True, slots=True)
class GroupResults:
    """All differences that have outcomes, and the number of comparisons that their intervals are corrected for."""

    differences: tuple[GroupDifference, ...]
    groups: int
    comparisons: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The differences that were found, and what they are corrected for."""
        found = [each.sentence for each in self.differences if each.differs]
        corrected = f"corrected for {counted(self.groups, 'segment')} in {counted(self.comparisons, 'comparison')}"
        none = "" if found else "no segment differs; "
        return (*found, f"{none}intervals are {corrected}, and nothing is decided on them")


def compare_groups(
    segments: Sequence[Segment], groups: Groups, measured: Sequence[str], *, stable: int, candidates: Sequence[int]
) -> GroupResults:
    """Compare every candidate with the stable version in every group and metric.

    Args:
        segments: the segments; ``groups`` names them and their values by place.
        groups: the tallies of each version's groups since the start.
        measured: the keys of the tallies that are compared.
        stable: the stable version.
        candidates: the versions that are compared with it.
    """
    number = sum(segment.groups for segment in segments)
    comparisons = number * len(measured) * len(candidates)

    def differences() -> Iterator[GroupDifference]:
        for place, segment in enumerate(segments):
            for group in range(segment.groups):
                theirs = groups.get(GroupKey(stable, place, group), {})
                for version in candidates:
                    ours = groups.get(GroupKey(version, place, group), {})
                    for key in measured:
                        pair = ours.get(key, NOTHING), theirs.get(key, NOTHING)
                        if pair[0].n or pair[1].n:
                            interval = _interval(*pair, ALPHA / comparisons)
                            yield GroupDifference(segment.name_of(group), version, key, *pair, interval)

    return GroupResults(tuple(differences()), number, comparisons)


def _interval(candidate: Tally, stable: Tally, alpha: float) -> Interval | None:
    """The interval of a difference; None if either has no outcomes."""
    if not candidate.n or not stable.n:
        return None
    ours, theirs = mean_bounds(candidate, alpha / 2), mean_bounds(stable, alpha / 2)
    return Interval(candidate.mean - stable.mean, ours[0] - theirs[1], ours[1] - theirs[0], 1 - alpha)


def mean_bounds(tally: Tally, alpha: float) -> tuple[float, float]:
    """Bounds on the mean of outcomes from 0 to 1, which at all looks together are wrong with probability ``alpha``.

    The capital of the bets on a mean p, spread over all other means by Jeffreys' prior, is B(s + 1/2, f + 1/2) /
    (B(1/2, 1/2) p^s (1 - p)^f) for a sum s of n = s + f outcomes. It reaches 1 / alpha with probability alpha if p is
    the mean, so every p for which it did is left out.
    """
    n, total = tally.n, min(max(tally.total, 0.0), tally.n)
    rest = n - total
    spread = lgamma(total + 0.5) + lgamma(rest + 0.5) - lgamma(n + 1) - log(pi)

    def left_out(mean: float) -> bool:
        return spread - total * log(mean) - rest * log1p(-mean) >= -log(alpha)

    observed = min(max(total / n, _TINY), 1 - _TINY)
    low = _edge(left_out, _TINY, observed) if total else 0.0
    high = _edge(left_out, 1 - _TINY, observed) if rest else 1.0
    return low, high


def _edge(left_out: Callable[[float], bool], outside: float, inside: float) -> float:
    """Bisect for the last mean that is left out on the way from one that is to one that is not."""
    if not left_out(outside):
        return outside
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if left_out(middle) else (outside, middle)
    return outside


def _share(tally: Tally) -> str:
    return f"{100 * tally.mean:.3g} % of {tally.n:,.0f}"


def _output(key: str) -> str:
    kind, _, what = key.partition(":")
    return f"predictions of {what}" if kind == "label" else f"values over {float(what):g}"
