import math

import numpy as np
import pytest
from support.releases.users import Users, zipf

from slipway.releases.evidence.tallies import Clusters
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.interleaving import Team
from slipway.releases.statistics.sign_test import SignTest


def test_the_sign_test_is_valid_however_often_one_looks() -> None:
    rng, alpha, wrong = np.random.default_rng(3), 0.05, 0
    for _ in range(100):
        won = np.cumsum(rng.random(300) < 0.5)
        wrong += any(SignTest(float(w), float(n - w), 5).winner(alpha) for n, w in enumerate(won.tolist(), start=1))
    assert wrong / 100 <= alpha


def test_the_sign_test_finds_the_better_one_and_counts_ties_for_nobody() -> None:
    assert SignTest(600, 400, 0).winner(0.05) is Team.CANDIDATE
    assert SignTest(400, 600, 9000).winner(0.05) is Team.STABLE
    assert SignTest(510, 490, 0).winner(0.05) is None
    assert SignTest(0, 0, 500).log_evidence == 0
    assert SignTest(2, 0, 0).log_evidence == pytest.approx(math.log(4 / 3))
    assert "60.0 % of 1,000 impressions, 7 were ties" in SignTest(600, 400, 7).sentence


def preferences(seed: int, users: Users, mean: float, *, n: int = 4000) -> SignTest:
    """The test after n decided impressions of users who on average prefer the candidate in ``mean`` of theirs."""
    ours, theirs = users.counted(np.random.default_rng(seed), n, runs=1, mean=mean)
    clusters = Clusters(tuple((ours.n + theirs.n)[0]), tuple((ours.total + theirs.total)[0]))
    return SignTest(sum(clusters.total), sum(clusters.n) - sum(clusters.total), 0, clusters)


def test_users_with_tastes_make_no_winner_and_would_without_their_buckets() -> None:
    tests = [preferences(seed, zipf(1000, alike=6), 0.5) for seed in range(200)]
    assert sum(test.winner(0.05) is not None for test in tests) <= 4
    assert sum(SignTest(test.won, test.lost, 0).winner(0.05) is not None for test in tests) > 60


def test_what_most_users_prefer_wins_and_the_sentence_says_how_alike_they_are() -> None:
    many = Users(np.full(2000, 1 / 2000), alike=10)
    assert preferences(1, many, 0.57).winner(0.05) is Team.CANDIDATE
    assert preferences(1, many, 0.43).winner(0.05) is Team.STABLE
    assert "(design effect of the users 1." in preferences(1, many, 0.57).sentence


def test_one_user_decides_nothing() -> None:
    one = Clusters((1000.0, *(0.0,) * (BUCKETS - 1)), (900.0, *(0.0,) * (BUCKETS - 1)))
    assert SignTest(900, 100, 0, one).winner(0.05) is None
