from datetime import timedelta

import pytest
from support.releases.decisions import (
    GOOD,
    MINUTE,
    NOW,
    REFERENCE,
    heavy,
    light,
    running,
    stable_arm,
)

from slipway.config.releases.options import Canary, JudgeConfig
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.checks import checked
from slipway.releases.evidence.tallies import Clusters, Evidence, Observed, Readiness, Reference, Tally, Window
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.strategies.decide import decide

LATER = NOW + 60 * MINUTE
NAN = float("nan")


def window(minute: float, *, lasts: float = 1, tallies: dict[str, Tally] | None = None) -> Window:
    start = NOW + minute * MINUTE
    return Window(start, start + lasts * MINUTE, {1: stable_arm(100), 2: tallies or stable_arm(10)})


def kept(*windows: Window, now: timedelta = timedelta(hours=1)) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    evidence, left_out = checked(Evidence(Observed(), windows), NOW, NOW + now)
    return evidence.windows, left_out


def test_windows_come_in_order_and_those_that_were_judged_are_passed_over() -> None:
    assert kept(window(2), window(-1), window(0), window(1)) == ((window(0), window(1), window(2)), ())


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        ((window(0), window(0)), "12:00:00 to 12:01:00 overlaps one before it"),
        ((window(0, lasts=2), window(1)), "12:01:00 to 12:02:00 overlaps one before it"),
        ((window(0), window(1, lasts=-1)), "12:01:00 to 12:00:00 ends before it begins"),
        ((window(0), window(60)), "13:00:00 to 13:01:00 is not over yet"),
    ],
)
def test_a_window_that_cannot_be_is_left_out_by_name(windows: tuple[Window, ...], says: str) -> None:
    assert kept(*windows) == (windows[:1], (f"the window from {says}: left out",))


@pytest.mark.parametrize(
    ("tally", "says"),
    [
        (Tally(10, 12), "are 12 of 10"),
        (Tally(-1, 0), "are 0 of -1"),
        (Tally(10, -1), "are -1 of 10"),
        (Tally(10, NAN), "are nan of 10"),
        (Tally(float("inf"), 1), "are 1 of inf"),
        (Tally(10, 5, squares=11), "are 5 of 10"),
    ],
)
def test_a_tally_that_cannot_be_is_left_out_for_both_versions(tally: Tally, says: str) -> None:
    (one,), left_out = kept(window(0, tallies={**stable_arm(10), "p50": tally}))
    assert left_out == (f"p50 of version 2 at 12:00 {says}: left out for every version",)
    assert {frozenset(arm) for arm in one.arms.values()} == {frozenset(stable_arm(1)) - {"p50"}}


def test_what_may_be_is_kept() -> None:
    changes = {keys.PREFERRED: Tally(-1, -2), keys.TIES: Tally(-3, 0), keys.ERRORS: Tally(1e9, 1e9 + 0.5)}
    assert kept(window(0, tallies=changes)) == ((window(0, tallies=changes),), ())


def test_buckets_that_cannot_be_are_left_out_with_their_tally() -> None:
    none = (0.0,) * BUCKETS
    bad = Window(NOW, NOW + MINUTE, {1: stable_arm(5)}, {1: {keys.ERRORS: Clusters((-1.0, *none[1:]), none)}})
    (one,), left_out = kept(bad)
    assert left_out == ("errors by bucket of version 1 at 12:00 are no counts: left out for every version",)
    assert (one.clusters[1], keys.ERRORS in one.arms[1]) == ({}, False)


def test_the_past_is_checked_too() -> None:
    past = Reference(NAN, 60.0, {"errors": Tally(10, 11), "score": Tally(10, 5)})
    evidence, left_out = checked(Evidence(Observed(), reference=past), NOW, LATER)
    assert evidence.reference == Reference(None, None, {"score": Tally(10, 5)})
    assert left_out == (
        "errors of the stable version's past are 11 of 10: left out",
        "the stable version's latencies of nan and 60.0 ms: left out",
    )


def test_a_bad_minute_of_the_past_is_left_out_of_the_sums_too() -> None:
    good, bad = {"errors": Tally(10, 1), "score": Tally(4, 2)}, {"errors": Tally(10, NAN), "score": Tally(4, 3)}
    sums = {"errors": Tally(30, NAN), "score": Tally(12, 7)}
    past = Reference(10.0, 60.0, sums, (good, bad, good))
    evidence, left_out = checked(Evidence(Observed(), reference=past), NOW, LATER)
    assert left_out == ("errors of 1 past minute of the stable version are nan of 10: left out",)
    known = {"errors": Tally(20, 2), "score": Tally(12, 7)}
    assert evidence.reference == Reference(10.0, 60.0, known, (good, {"score": Tally(4, 3)}, good))


def test_without_a_good_minute_of_a_tally_the_past_does_not_know_it() -> None:
    bad = {"errors": Tally(10, 11), "score": Tally(4, 2)}
    past = Reference(10.0, 60.0, {"errors": Tally(20, 22), "score": Tally(8, 4)}, (bad, bad))
    evidence, left_out = checked(Evidence(Observed(), reference=past), NOW, LATER)
    assert left_out == ("errors of 2 past minutes of the stable version are 11 of 10: left out",)
    known = {"score": Tally(4, 2)}
    assert evidence.reference == Reference(10.0, 60.0, {"score": Tally(8, 4)}, (known, known))


def test_a_bad_window_stops_neither_an_order_nor_an_alarm() -> None:
    bad = {1: {"errors": Tally(NAN, 5)}, 2: {"errors": Tally(10, 500), "p50": Tally(-5, NAN)}}
    world = running(heavy(Canary()))
    world.record = world.record.with_order(OperatorOrder(action="rollback", by="ada", at=NOW))
    decision = world.look(bad)
    assert world.record.phase is Phase.ROLLED_BACK
    assert "errors of version 2 at 12:02 are 500 of 10: left out for every version" in decision.left_out
    alarmed = running(light(Canary(), JudgeConfig(alarms=("checkout",))))
    alarmed.alarms = {"checkout": True}
    alarmed.look(bad)
    assert alarmed.record.phase is Phase.ROLLED_BACK


def test_a_window_given_twice_counts_once() -> None:
    world = running(light(Canary()))
    start = world.now
    once, twice = (
        decide(
            world.record,
            Evidence(Observed({2: Readiness.READY}), (Window(start, start + MINUTE, GOOD),) * times, REFERENCE),
            start + MINUTE,
        )
        for times in (1, 2)
    )
    assert twice.record == once.record
    assert (once.left_out, len(twice.left_out)) == ((), 1)
