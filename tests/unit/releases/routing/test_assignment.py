import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from scipy.stats import chi2_contingency, chisquare

from slipway.config import parse_config
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.release import Candidate, Release, configured_releases

KEYS = [f"user-{number}" for number in range(6_000)]


def release(*shares: float, salt: str = "s") -> Release:
    return Release("m", 1, tuple(Candidate(2 + index, share) for index, share in enumerate(shares)), salt=salt)


def assigned(to: Release) -> list[int]:
    return [assign(to, key) for key in KEYS]


def test_without_candidates_everything_is_stable() -> None:
    assert {assign(Release("m", stable=3), f"key{i}") for i in range(100)} == {3}


def test_the_same_key_always_gets_the_same_version() -> None:
    """Also in another process, with another seed for Python's own hashes."""
    code = (
        "from slipway.releases.routing.assignment import assign;"
        "from slipway.releases.routing.release import Candidate, Release;"
        "r = Release('m', 1, (Candidate(2, 0.3), Candidate(3, 0.3)), salt='s');"
        "print(*(assign(r, f'user-{i}') for i in range(200)))"
    )
    environment = {"PYTHONHASHSEED": "17"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert list(map(int, done.stdout.split())) == assigned(release(0.3, 0.3))[:200]


def test_the_assignment_never_changes() -> None:
    """Written down, since a release that is running must survive an update of Slipway."""
    versions = "".join(str(version) for version in assigned(release(0.2, 0.3))[:40])
    assert versions == "1113213331131211323313312131213213131321"


def test_shares_are_kept() -> None:
    versions = assigned(release(0.1, 0.3))
    assert versions.count(2) / len(KEYS) == pytest.approx(0.1, abs=0.012)
    assert versions.count(3) / len(KEYS) == pytest.approx(0.3, abs=0.018)


def test_a_share_that_grows_keeps_its_keys() -> None:
    before, after = assigned(release(0.05)), assigned(release(0.10))
    assert all(new == 2 for old, new in zip(before, after, strict=True) if old == 2)
    assert after.count(2) / len(KEYS) == pytest.approx(0.10, abs=0.012)


@pytest.mark.parametrize("others", [2, 19])
def test_among_many_a_share_that_grows_keeps_its_keys_and_takes_only_what_it_gains(others: int) -> None:
    rest = [0.4 / others] * others
    before, after = assigned(release(0.2, *rest)), assigned(release(0.3, *rest))
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert not [pair for pair in moved if pair[0] == 2]
    assert len(moved) / len(KEYS) < 0.17


def test_a_whole_share_leaves_nothing_and_an_empty_one_takes_nothing() -> None:
    assert set(assigned(release(1.0))) == {2}
    assert set(assigned(release(0.5, 0.5))) == {2, 3}
    assert set(assigned(release(0.0, 0.5))) == {1, 3}
    assert {assign(release(*[0.1] * 10), key) for key in KEYS[:500]} == set(range(2, 12))


@pytest.mark.parametrize("candidates", [3, 9, 40])
def test_shares_are_kept_however_many_there_are(candidates: int) -> None:
    weights = [1 + place % 3 for place in range(candidates)]
    shares = [0.8 * weight / sum(weights) for weight in weights]
    found = Counter(assigned(release(*shares)))
    expected = [len(KEYS) * share for share in (1 - sum(shares), *shares)]
    assert chisquare([found[1 + place] for place in range(candidates + 1)], expected).pvalue > 0.001


def test_versions_far_apart_are_independent() -> None:
    far = Release("m", 3, tuple(Candidate(version, 0.2) for version in (19, 35, 67, 1_000_003)), salt="s")
    found = Counter(assigned(far))
    assert chisquare([found[version] for version in (3, 19, 35, 67, 1_000_003)]).pvalue > 0.001


def test_a_candidate_that_a_process_does_not_know_moves_nobody_elses_keys() -> None:
    whole = release(0.2, 0.2, 0.2)
    without = replace(whole, candidates=whole.candidates[1:])
    pairs = list(zip(assigned(whole), assigned(without), strict=True))
    assert all(here == 1 for there, here in pairs if there == 1)
    assert {here for there, here in pairs if there == 2} == {1, 3, 4}
    assert all(here in (there, 1) for there, here in pairs if there in (3, 4))


def test_candidates_without_a_share_take_nothing_however_many_there_are() -> None:
    """Any number of shadows may stand beside the stable version."""
    assert set(assigned(release(*[0.0] * 50))) == {1}


@pytest.mark.parametrize("model", ["m", "m" * 100], ids=["short", "long"])
def test_salts_are_independent(model: str) -> None:
    """Also salts that are longer than what a hash takes of one."""
    first, second = (assigned(release(0.2, 0.3, salt=f"{model}.1-2-3.{time}")) for time in "ab")
    table = [[sum(pair == (a, b) for pair in zip(first, second, strict=True)) for a in (1, 2, 3)] for b in (1, 2, 3)]
    assert chi2_contingency(table).pvalue > 0.001


def test_keys_that_resemble_each_other_are_independent() -> None:
    versions = assigned(release(0.5))
    runs = [[0, 0], [0, 0]]
    for one, following in pairwise(versions):
        runs[one - 1][following - 1] += 1
    assert chi2_contingency(runs).pvalue > 0.001


def test_the_key_is_the_sticky_value_where_there_is_one() -> None:
    sticky = Release("m", 1, sticky="user")
    assert sticky.key({"user": 7, "text": "x"}, "abc") == "7"
    assert sticky.key({"text": "x"}, "abc") == "abc"
    assert Release("m", 1).key({"user": 7}, "abc") == "abc"


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"m take 1\.2"):
        release(0.6, 0.6)


def test_the_configured_release_is_the_stable_version() -> None:
    config = parse_config("models: {a: {versions: [1, 2], stable: 2}}")
    assert configured_releases(config) == {"a": Release("a", stable=2)}
