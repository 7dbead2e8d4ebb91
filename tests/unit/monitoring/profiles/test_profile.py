"""Profiles count each capture once, add up to any window, and are read back as they were written."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captures import HOUR, MemoryBucket, prices

from slipway.errors import InputError
from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.profile import Profile, dump_profile, load_profile, total
from slipway.monitoring.profiles.store import BucketProfiles, profile_key


def profile(package: Package, captures: list[Capture], minute: int = 0) -> Profile:
    start = HOUR.replace(minute=minute)
    return profile_of(package, captures, start=start, minutes=5, source="files")


def test_every_column_counts_every_capture(regression_package: Package) -> None:
    made = profile(regression_package, prices(50))
    assert made.records == 50
    assert set(made.counts) == {"inputs.rooms", "inputs.area", "outputs.value"}
    assert {sum(counts) for counts in made.counts.values()} == {50}


def test_captures_of_other_versions_are_left_out(regression_package: Package) -> None:
    made = profile(regression_package, [*prices(3), *prices(4, version=2), *prices(4, model="other")])
    assert made.records == 3


def test_profiles_add_up_to_that_of_all_captures(regression_package: Package) -> None:
    captures = prices(60)
    parts = [profile(regression_package, captures[at : at + 20], minute=5 * at // 20) for at in (0, 20, 40)]
    whole = total(parts)
    assert whole is not None
    assert whole.counts == profile(regression_package, captures).counts
    assert (whole.start, whole.minutes, whole.records) == (HOUR, 15, 60)
    assert total([]) is None


@given(st.permutations(range(4)))
def test_the_order_of_adding_does_not_matter(order: list[int]) -> None:
    base = Profile("m", 1, HOUR, 5, "b", 0, {})
    parts = [
        dataclasses.replace(
            base, start=HOUR.replace(minute=5 * at), records=at, counts={"x": (at, 1)}, sums={"s": (at,)}
        )
        for at in range(4)
    ]
    assert total(parts[at] for at in order) == total(parts)


def test_profiles_over_other_bins_do_not_add_up() -> None:
    mine = Profile("m", 1, HOUR, 5, "one", 1, {})
    for other in ({"baseline": "two"}, {"version": 2}, {"model": "n"}):
        with pytest.raises(InputError, match="do not add up"):
            mine + dataclasses.replace(mine, **other)


def test_what_is_stored_is_read(regression_package: Package) -> None:
    bucket = MemoryBucket()
    store = BucketProfiles(bucket)
    made = [profile(regression_package, prices(5), minute) for minute in (55, 0, 30)]
    for each in made:
        store.write(each)
    assert store.read("tiny-price", 1, HOUR, HOUR.replace(hour=13)) == [made[1], made[2], made[0]]
    assert store.read("tiny-price", 1, HOUR.replace(minute=1), HOUR.replace(minute=55)) == [made[2]]
    assert store.read("tiny-price", 1, HOUR.replace(day=1), HOUR.replace(day=30)) == [made[1], made[2], made[0]]
    assert store.versions("tiny-price", HOUR, HOUR.replace(minute=1)) == [1]
    assert store.versions("tiny-price", HOUR.replace(hour=13), HOUR.replace(hour=14)) == []
    assert store.versions("other", HOUR, HOUR.replace(hour=14)) == []
    assert profile_key(made[0]) == "profiles/model=tiny-price/version=1/date=2026-11-21/hour=12/minute=55.json"


def test_a_profile_is_a_few_kilobytes(text_package: Package) -> None:
    assert len(dump_profile(profile(text_package, []))) < 2000


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}'])
def test_what_is_no_profile_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"profiles/x.json: is not a profile"):
        load_profile(text, "profiles/x.json")


def test_periods_of_seconds_are_kept_apart_and_add_up(regression_package: Package) -> None:
    store, starts = BucketProfiles(MemoryBucket()), [HOUR.replace(second=second) for second in (0, 15, 30)]
    for start in starts:
        store.write(profile_of(regression_package, prices(2), start=start, minutes=0.25))
    read = store.read("tiny-price", 1, starts[0], starts[2])
    assert [each.start for each in read] == starts[:2]
    whole = total(read)
    assert whole is not None
    assert (whole.minutes, whole.end) == (0.5, starts[2])
