"""Decisions where users stay with a version, with the outcomes counted by user and one by one.

Each user has a share of the requests and a rate of good or bad outcomes, and both last. The figures depend only on the
seed and the number of runs. The tables are in the form of docs/judge.md.

    python -m benchmarks.clusters [--runs 200] [--seed 0] [--only ab,guards,failing,teams,pasts]
"""

import argparse
from dataclasses import dataclass

import numpy as np

from benchmarks.users import ALIKE, CANDIDATE, STABLE, TASTES, Cells, Population, cells
from slipway.config.releases.options import AbTest, JudgeConfig
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.capital import Capital, Flags
from slipway.releases.statistics.clusters import Sample, adjusted, difference, student
from slipway.releases.statistics.comparisons import Questions, questions
from slipway.releases.statistics.sample_size import (
    BURN_IN,
    NORMAL,
    early_alpha,
    final_alpha,
    mixture_radius,
    sample_size,
)
from slipway.releases.statistics.sign_test import SignTest
from slipway.releases.statistics.user_guards import bounds
from slipway.releases.statistics.user_intervals import needed_effect, sequential_quantile
from slipway.releases.strategies.user_sums import remembered
from slipway.statistics.betting import Array, Block

AB = AbTest()
AB_MINUTES, AB_RPS, EFFECT = 240, 10, 0.02
GUARD_MINUTES = 1440
TEAM_MINUTES, TEAM_RPS, TEAM_LOOK = 340, 5, 5
# Only errors and p50 are drawn, so only they may spend the error probability.
GUARDED = JudgeConfig.model_validate(
    {
        name: {**JudgeConfig().model_dump()[name], "enabled": False}
        for name in ("p99", "labels", "score", "value", "accuracy", "reward")
    }
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names of tables, separated by commas")
    given = parser.parse_args()
    tables = {"ab": ab_tests, "guards": guards, "failing": failing_candidates, "teams": interleavings, "pasts": pasts}
    for name in given.only.split(",") if given.only else tables:
        tables[name](given.runs, given.seed)
        print()


def ab_tests(runs: int, seed: int) -> None:
    """A/B tests of equal versions, and of a candidate that is better by the planned effect."""
    head(
        "A/B test",
        "covers",
        "wrong winners",
        "covers, one by one",
        "wrong, one by one",
        "better won",
        "ended as planned",
    )
    for users in ALIKE:
        rng = np.random.default_rng(seed)
        equal = ab_runs(rng, cells(rng, users, runs, mean=AB.baseline), 0.0)
        better = ab_runs(rng, cells(rng, users, runs, mean=AB.baseline, more=EFFECT / (1 - AB.baseline)), EFFECT)
        plain = one_by_one(rng, cells(rng, users, runs, mean=AB.baseline))
        complete = better.complete.mean()
        row(users.name, equal.covers.mean(), (equal.winner != 0).mean(), *plain, (better.winner > 0).mean(), complete)


@dataclass(frozen=True, slots=True)
class AbRuns:
    """The end of each run: whether its interval covered, the winner's sign, and whether it had the planned outcomes."""

    covers: Flags
    winner: Array
    complete: Flags


def ab_runs(rng: np.random.Generator, drawn: Cells, effect: float) -> AbRuns:
    """Run A/B tests with a look every minute."""
    runs = drawn.requests.shape[1]
    n, total = np.zeros_like(drawn.requests), np.zeros_like(drawn.requests)
    result = AbRuns(np.zeros(runs, dtype=bool), np.zeros(runs), np.zeros(runs, dtype=bool))
    live = np.ones(runs, dtype=bool)
    for minute in range(AB_MINUTES):
        n, total = (sums + new for sums, new in zip((n, total), drawn.draw(rng, 60 * AB_RPS), strict=True))
        ours, theirs = (Sample.counted(n[arm], total[arm]) for arm in (CANDIDATE, STABLE))
        found, least = difference(ours, theirs), np.minimum(ours.count, theirs.count)
        complete = least >= sample_size(AB) * needed_effect(AB, found, arms=2)
        last = complete | (minute + 1 == AB_MINUTES)
        at_end = NORMAL.inv_cdf(1 - final_alpha(AB, arms=2) / 2)
        spread = ours.one_variance + theirs.one_variance
        early = sequential_quantile(found, spread, early_alpha(AB, arms=2), planned=sample_size(AB))
        radius = student(np.where(last, at_end, early), found.degrees) * found.error
        radius = np.where(last | (least >= BURN_IN), radius, np.inf)
        ends = live & (last | (np.abs(found.value) > radius))
        result.covers[ends] = (np.abs(found.value - effect) <= radius)[ends]
        result.winner[ends] = np.where(np.abs(found.value) > radius, np.sign(found.value), 0)[ends]
        result.complete[ends] = complete[ends]
        live &= ~ends
    return result


def one_by_one(rng: np.random.Generator, drawn: Cells) -> tuple[float, float]:
    """How often tests of equal versions cover, and name a winner, that take outcomes as independent."""
    runs = drawn.requests.shape[1]
    n, total = np.zeros((2, runs)), np.zeros((2, runs))
    live, covers, size = np.ones(runs, dtype=bool), np.zeros(runs, dtype=bool), sample_size(AB)
    at_end = NORMAL.inv_cdf(1 - final_alpha(AB, arms=2) / 2)
    while live.any():
        n, total = (sums + new.sum(-1) for sums, new in zip((n, total), drawn.draw(rng, 60 * AB_RPS), strict=True))
        mean = total / n
        squared, spread = (mean * (1 - mean) / n).sum(axis=0), (mean * (1 - mean)).sum(axis=0)
        complete = n.min(axis=0) >= size
        early = mixture_radius(squared, spread, early_alpha(AB, arms=2), size)
        radius = np.where(complete, at_end * np.sqrt(squared), np.where(n.min(axis=0) >= BURN_IN, early, np.inf))
        inside = np.abs(mean[CANDIDATE] - mean[STABLE]) <= radius
        ends = live & (complete | ~inside)
        covers[ends] = inside[ends]
        live &= ~ends
    return float(covers.mean()), float(1 - covers.mean())


def guards(runs: int, seed: int) -> None:
    """Equal candidates, looked at every minute for 24 hours, in a quarter of the runs, since these are long."""
    head("equal candidate, 24 hours", "requests/s", "rolled back", "rolled back, one by one")
    for users in TASTES:
        for rps in (1, 10, 100):
            worse, plain = guard_runs(np.random.default_rng(seed), users, runs // 4, rps=rps, minutes=GUARD_MINUTES)
            row(users.name, str(rps), np.isfinite(worse).mean(), np.isfinite(plain).mean())


def failing_candidates(runs: int, seed: int) -> None:
    """Candidates that fail, and how soon they are found."""
    head("failing candidate", "fails", "requests/s", "found", "minutes, median / p99", "one by one, median / p99")
    for users in (ALIKE[0], *TASTES):
        for bad, rps in ((1.0, 5), (0.05, 5), (0.05, 100)):
            worse, plain = guard_runs(np.random.default_rng(seed), users, runs // 2, rps=rps, minutes=120, bad=bad)
            found = np.isfinite(worse).mean()
            row(users.name, f"{100 * bad:g} %", str(rps), found, quantiles(worse), quantiles(plain))


def guard_runs(
    rng: np.random.Generator, users: Population, runs: int, *, rps: float, minutes: int, bad: float = 0
) -> tuple[Array, Array]:
    """The minute at which the judge finds a candidate worse, with users asked and without; infinite if never."""
    asked = questions(GUARDED, ())
    # A share of 0.2 % of the requests fails; the slow ones are half of them, or more and less by user.
    drawn = {
        "errors": cells(rng, users, runs, mean=0.002, more=bad, worst=1.0),
        "p50": cells(rng, users, runs, mean=0.5, worst=1.0),
    }
    sums = {key: (np.zeros((2, runs, BUCKETS)), np.zeros((2, runs, BUCKETS))) for key in drawn}
    capital, worse, plain = Capital.of(asked, (runs,)), np.full(runs, np.inf), np.full(runs, np.inf)
    for minute in range(1, minutes + 1):
        new = {key: each.draw(rng, 60 * rps) for key, each in drawn.items()}
        capital = capital.after(block(asked, new, runs), asked)
        for key, (n, total) in sums.items():
            kept = remembered(n.sum(axis=-1).min(axis=0), 1.0)[None, :, None]
            sums[key] = (n * kept + new[key][0], total * kept + new[key][1])
        for metric in drawn:
            bets = capital.evidence_against(asked, metric) >= np.log(1 / asked.alpha)
            plain[bets & np.isinf(plain)] = minute
            if (bets & np.isinf(worse)).any():
                worse[bets & users_agree(asked, metric, sums[metric]) & np.isinf(worse)] = minute
        if np.isfinite(worse).all():
            break
    return worse, plain


def block(asked: Questions, new: dict[str, tuple[Array, Array]], runs: int) -> Block:
    """A minute's counts by row."""
    empty = (np.zeros((2, runs, 1)), np.zeros((2, runs, 1)))
    counts = [[each.sum(axis=-1) for each in new.get(found.key, empty)] for found in asked.rows]
    n, total = (np.stack([each[index] for each in counts], axis=-1) for index in (0, 1))
    return Block(n[CANDIDATE], total[CANDIDATE], n[STABLE], total[STABLE])


def users_agree(asked: Questions, metric: str, sums: tuple[Array, Array]) -> Flags:
    """Whether the users agree, in all rows of a metric, that the candidate is worse."""
    ours, theirs = (Sample.counted(sums[0][arm], sums[1][arm]) for arm in (CANDIDATE, STABLE))
    rows = (asked.rows[index] for index in asked.indices(metric))
    low = [bounds(found, ours, theirs, alpha=asked.alpha, beta=asked.beta)[0] for found in rows]
    agree: Flags = np.all([~np.isfinite(each) | (each > 0) for each in low], axis=0)
    return agree


def interleavings(runs: int, seed: int) -> None:
    """Interleavings of equal rankers, and of one that is preferred in 55 % of the impressions."""
    head("interleaving", "wrong winners", "wrong, one by one", "better won", "minutes, median")
    for users in ALIKE:
        rng = np.random.default_rng(seed)
        equal, plain = team_runs(rng, users, runs, mean=0.5)
        better, _ = team_runs(rng, users, runs, mean=0.55)
        won = np.isfinite(better)
        row(users.name, np.isfinite(equal).mean(), np.isfinite(plain).mean(), won.mean(), quantiles(better, (50,)))


def team_runs(rng: np.random.Generator, users: Population, runs: int, *, mean: float) -> tuple[Array, Array]:
    """The minute at which each run names a winner, with users asked and without."""
    drawn = cells(rng, users, runs, mean=mean)
    n, total = np.zeros((runs, BUCKETS)), np.zeros((runs, BUCKETS))
    ends = np.full((2, runs), np.inf)
    for minute in range(TEAM_LOOK, TEAM_MINUTES + 1, TEAM_LOOK):
        # Two in five impressions are no tie. An interleaving has one arm, of which every user is a part.
        new = drawn.draw(rng, 0.4 * 60 * TEAM_RPS * TEAM_LOOK)
        n, total = n + new[0].sum(axis=0), total + new[1].sum(axis=0)
        for run in np.flatnonzero(np.isinf(ends).any(axis=0)).tolist():
            won, decided = float(total[run].sum()), float(n[run].sum())
            by_users = Clusters(tuple(n[run].tolist()), tuple(total[run].tolist()))
            for index, asked in enumerate((by_users, None)):
                if np.isinf(ends[index, run]) and SignTest(won, decided - won, 0, asked).winner(0.05):
                    ends[index, run] = minute
    return ends[0], ends[1]


def pasts(runs: int, seed: int) -> None:
    """The difference less what the buckets' past predicts."""
    head(
        "8,000 outcomes, 20,000 in the past",
        "covers",
        "covers with the past",
        "error",
        "with the past",
        "variance saved",
    )
    for users in ALIKE[:5]:
        rng, found = np.random.default_rng(seed), []
        for _ in range(2 * runs):
            past = rng.integers(0, 2**63)
            # The same users, buckets and rates twice: once before the release.
            drawn = cells(np.random.default_rng(past), users, 1, mean=0.1)
            before = [each.sum(axis=0)[0] for each in drawn.draw(rng, 20_000)]
            n, total = drawn.draw(rng, 8000)
            ours, theirs = (Sample.counted(n[arm, 0], total[arm, 0]) for arm in (CANDIDATE, STABLE))
            known = Clusters(*(tuple(each.tolist()) for each in before))
            found.append((difference(ours, theirs), adjusted(ours, theirs, known)))
        plain, less = zip(*found, strict=True)
        columns = [
            [np.array([getattr(each, name) for each in kind]) for kind in (plain, less)]
            for name in ("value", "error", "degrees")
        ]
        (value, value_less), (error, error_less), (degrees, degrees_less) = columns
        covers = [
            (np.abs(v) <= student(1.96, d) * e).mean()
            for v, e, d in ((value, error, degrees), (value_less, error_less, degrees_less))
        ]
        errors = (f"{value.std():.4f}", f"{value_less.std():.4f}")
        row(users.name, *covers, *errors, 1 - value_less.var() / value.var())


def quantiles(minutes: Array, wanted: tuple[float, ...] = (50, 99)) -> str:
    """Quantiles of the minutes of the runs that ended."""
    ended = minutes[np.isfinite(minutes)]
    return " / ".join(f"{np.percentile(ended, each):.0f}" for each in wanted) if len(ended) else "–"


def head(*columns: str) -> None:
    """Print the head of a table."""
    print(f"| {' | '.join(columns)} |")
    print("| --- |" + " ---: |" * (len(columns) - 1), flush=True)


def row(*values: object) -> None:
    """Print a row; numbers are shares."""
    shown = (each if isinstance(each, str) else f"{100 * float(each):.1f} %" for each in values)
    print(f"| {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
