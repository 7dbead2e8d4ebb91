"""The verdict of growth: a slope that neither the first half nor peaks move."""

import pytest

from benchmarks.load.growth import MIB, Sample, Verdict, growth, memory


def samples(*mebibytes: float, every: float = 3.0) -> list[Sample]:
    return [Sample(number * every, int(each * MIB), 0.0) for number, each in enumerate(mebibytes)]


def test_a_steady_growth_is_measured_by_the_minute() -> None:
    found = samples(*(100 + 0.1 * number for number in range(200)))

    assert growth(found) == pytest.approx(2.0, abs=0.01)


def test_filling_up_at_the_start_is_no_growth() -> None:
    found = samples(*range(100, 160), *[160.0] * 140)

    assert growth(found) == 0


def test_peaks_and_a_late_step_down_are_no_growth() -> None:
    found = samples(*[100.0, 100.0, 180.0, 100.0] * 45, *[90.0] * 20)

    assert growth(found) == 0


def test_a_few_seconds_say_nothing() -> None:
    assert growth(samples(*range(20))) is None
    assert growth(samples(100, 200, every=600)) is None


@pytest.mark.parametrize(("bound", "verdict"), [(1.9, Verdict.GROWS), (2.1, Verdict.STEADY)])
def test_the_bound_decides(bound: float, verdict: Verdict) -> None:
    found = memory(samples(*(100 + 0.1 * number for number in range(200))), bound)

    assert found.verdict is verdict
    assert (found.start, found.middle, found.end, found.peak) == pytest.approx((100, 110, 119.9, 119.9), abs=0.01)


def test_a_short_life_has_no_verdict() -> None:
    found = memory(samples(100, 150, 120), bound=1.0)

    assert (found.slope, found.verdict, found.peak, found.end) == (None, Verdict.TOO_SHORT, 150, 120)
