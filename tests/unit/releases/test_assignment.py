import pytest

from slipway.config import parse_config
from slipway.releases.assignment import assign
from slipway.releases.release import Candidate, Release, configured_releases


def test_without_candidates_everything_is_stable() -> None:
    assert {assign(Release("m", stable=3), f"key{i}") for i in range(100)} == {3}


def test_the_same_key_always_gets_the_same_version() -> None:
    release = Release("m", stable=1, candidates=(Candidate(2, 0.5),), salt="s")
    assert [assign(release, f"k{i}") for i in range(50)] == [assign(release, f"k{i}") for i in range(50)]


def test_shares_are_kept() -> None:
    release = Release("m", stable=1, candidates=(Candidate(2, 0.1), Candidate(3, 0.3)), salt="s")
    versions = [assign(release, f"k{i}") for i in range(20_000)]
    assert versions.count(2) / 20_000 == pytest.approx(0.1, abs=0.01)
    assert versions.count(3) / 20_000 == pytest.approx(0.3, abs=0.015)


def test_salts_are_independent() -> None:
    keys = [f"k{i}" for i in range(4000)]
    first, second = (Release("m", 1, (Candidate(2, 0.5),), salt=salt) for salt in "ab")
    agreed = sum(assign(first, key) == assign(second, key) for key in keys)
    assert agreed / 4000 == pytest.approx(0.5, abs=0.04)


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"m take 1\.2"):
        Release("m", 1, (Candidate(2, 0.6), Candidate(3, 0.6)))


def test_the_configured_release_is_the_stable_version() -> None:
    config = parse_config("models: {a: {versions: [1, 2], stable: 2}}")
    assert configured_releases(config) == {"a": Release("a", stable=2)}
