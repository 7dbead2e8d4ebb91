import numpy as np
import pytest
from support.releases.users import Users, one_large, zipf

from slipway.config.releases.options import JudgeConfig
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.clusters import Sample, difference
from slipway.releases.statistics.comparisons import Comparison, against_reference, questions
from slipway.releases.statistics.user_guards import ask_users, bounds

ERRORS = Comparison("errors", "errors", 0.005, 0.001)
ALPHA = 0.01 / 7
ASKED = questions(JudgeConfig(), ("no", "yes"))
ROW = {(row.metric, row.key, row.flipped, row.ratio): index for index, row in enumerate(ASKED.rows)}


def sample(number: float, share: float) -> Sample:
    return Sample.of(Clusters((number,) * BUCKETS, (number * share,) * BUCKETS))


@pytest.mark.parametrize("users", [zipf(500, alike=2), one_large(0.3, 500, alike=2), one_large(0.005, 500, alike=2)])
@pytest.mark.parametrize("row", [ERRORS, Comparison("p50", "p50", 0.0, 0.5)])
def test_users_with_tastes_of_their_own_accuse_no_equal_candidate(users: Users, row: Comparison) -> None:
    ours, theirs = users.counted(
        np.random.default_rng(7), 30_000, runs=400, mean=row.guess * 4 if row is ERRORS else 0.5
    )
    low, _ = bounds(row, ours, theirs, alpha=ALPHA, beta=0.05)
    assert (low > 0).mean() <= 0.01


def test_a_user_who_always_fails_is_not_the_candidates_fault() -> None:
    n, failed = np.full(BUCKETS, 1000.0), np.full(BUCKETS, 1.0)
    stable = Sample.counted(n, failed)
    worse = Sample.counted(n + 1280 * (np.arange(BUCKETS) == 5), failed + 1280 * (np.arange(BUCKETS) == 5))
    low, _ = bounds(ERRORS, worse, stable, alpha=ALPHA, beta=0.05)
    assert worse.mean > stable.mean + 0.005
    assert low < 0


def test_a_user_of_the_stable_version_who_always_fails_hides_no_failing_candidate() -> None:
    rng = np.random.default_rng(3)
    n, one = np.full(BUCKETS, 100.0), 128 * (np.arange(BUCKETS) == 5)
    stable = Sample.counted(n + one, rng.binomial(100, 0.002, BUCKETS) + one)
    failing = Sample.counted(n, rng.binomial(100, 0.05, BUCKETS).astype(float))
    low, _ = bounds(ERRORS, failing, stable, alpha=ALPHA, beta=0.05)
    assert low > 0
    # By all buckets, that user makes the stable version as uncertain as the candidate is bad.
    assert difference(failing, stable).error > 3 * difference(failing, stable, side=1).error


def test_a_candidate_that_fails_everything_is_found_with_one_outcome_per_bucket() -> None:
    low, _ = bounds(ERRORS, sample(1, 1), sample(1, 0), alpha=ALPHA, beta=0.05)
    assert low > 0.5


def test_a_candidate_is_worse_in_a_quantile_only_in_both_rows_and_fine_in_either() -> None:
    slow, usual = {"p50": sample(50, 0.7)}, {"p50": sample(50, 0.5)}
    first = ROW["p50", "p50", False, 1.0]
    assert ask_users(ASKED, slow, usual).agrees_worse(first)
    assert not ask_users(ASKED, slow, {"p50": sample(50, 0.7)}).agrees_worse(first)
    both_slow = ask_users(ASKED, {"p50": sample(50, 0.6)}, {"p50": sample(50, 0.8)})
    assert both_slow.agrees_fine(first)
    assert not ask_users(ASKED, slow, usual).agrees_fine(first)


def test_rows_that_are_not_counted_by_user_object_to_nothing_and_say_so() -> None:
    found = ask_users(ASKED, {"errors": sample(50, 0.02)}, {"errors": sample(50, 0.02)})
    errors, accuracy = ROW["errors", "errors", False, 1.0], ROW["accuracy", "accuracy", False, 1.0]
    assert not found.agrees_worse(errors)
    assert found.agrees_worse(accuracy)
    assert found.agrees_fine(accuracy)
    assert found.sentence(accuracy) == "; not counted by user"
    assert found.sentence(errors).startswith("; by users between -")
    assert ask_users(ASKED, {}, {}).sentence(errors) == ""


def test_a_missed_reward_and_a_rarer_label_are_complements() -> None:
    worse = {"reward": sample(50, 0.1), "label:yes": sample(50, 0.2)}
    found = ask_users(ASKED, worse, {"reward": sample(50, 0.3), "label:yes": sample(50, 0.6)})
    assert found.agrees_worse(ROW["reward", "reward", True, 1.0])
    assert found.agrees_worse(ROW["labels", "label:yes", True, 1.0])
    assert not found.agrees_worse(ROW["labels", "label:yes", False, 1.0])


def test_without_a_stable_version_beside_it_the_past_draws_the_line() -> None:
    lines = np.full(len(ASKED.rows), 0.1)
    alone = against_reference(ASKED, lines.tolist(), lines.tolist())
    found = ask_users(alone, {"errors": sample(100, 0.3)}, {})
    assert found.agrees_worse(ROW["errors", "errors", False, 1.0])
    assert not ask_users(alone, {"errors": sample(100, 0.05)}, {}).agrees_worse(ROW["errors", "errors", False, 1.0])


def test_users_of_a_single_bucket_are_not_asked() -> None:
    one = np.zeros(BUCKETS)
    one[3] = 1000.0
    found = ask_users(ASKED, {"errors": Sample.counted(one, one)}, {"errors": sample(50, 0.0)})
    assert found.agrees_worse(ROW["errors", "errors", False, 1.0])
    assert found.rows == {}
