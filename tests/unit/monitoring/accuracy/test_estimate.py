"""Sums of scores add up over periods, and estimate accuracy before labels come."""

import math
from pathlib import Path

import numpy as np
import pytest
from support.calibrated import answers, calibration, captures_of
from support.captures import HOUR, capture
from support.packages import make_text_package

from slipway.config.releases.segments import SegmentConfig
from slipway.models.measurements.baseline import Categories
from slipway.models.measurements.calibrating import calibrate
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import Package
from slipway.monitoring.accuracy.estimate import calibration_variance, estimated_accuracy
from slipway.monitoring.accuracy.labels import OTHERS
from slipway.monitoring.accuracy.score_sums import (
    ScoreSumming,
    ScoreSums,
    read_sums,
    score_summing,
    segment_groups,
    vector_name,
)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    package = make_text_package(tmp_path / "1")
    write_calibration(package.folder / "calibration.json", calibration())
    return package


def test_sums_of_parts_are_those_of_the_whole(package: Package) -> None:
    scored = answers(500, seed=1)
    captures = captures_of(scored, HOUR)
    (summing,) = score_summing(package)
    parts = [summing.add(captures[:200]), summing.add(captures[200:])]
    whole = summing.add(captures)
    assert np.sum(parts, axis=0) == pytest.approx(np.array(whole))
    sums = read_sums(package.calibration, [{summing.name: tuple(each)} for each in parts])
    assert sums.n == 500
    probabilities = package.calibration.probabilities(scored.labels.tolist(), scored.scores)
    assert (sums.mean, sums.variance) == pytest.approx((probabilities.mean(), probabilities.var()))


def test_answers_without_a_score_are_counted_apart(package: Package) -> None:
    (summing,) = score_summing(package)
    odd = capture(1, inputs={}, outputs={"label": "positive"}, model="tiny-sentiment")
    sums = ScoreSums.of_vector(summing.add([odd, *captures_of(answers(3, seed=1), HOUR)]))
    assert (sums.n, sums.unscored) == (3, 1)


def test_sums_of_another_calibration_and_a_package_without_one_count_as_nothing(package: Package) -> None:
    other = calibration(n=4000)
    (summing,) = score_summing(package)
    vector = tuple(summing.add(captures_of(answers(3, seed=1), HOUR)))
    assert read_sums(other, [{summing.name: vector}]).n == 0
    assert vector_name(other) != summing.name
    (package.folder / "calibration.json").unlink()
    assert score_summing(Package(package.folder, package.manifest)) == []


def test_segments_have_sums_of_their_own(package: Package) -> None:
    baseline = package.baseline
    shares = {"good": 0.6, "bad": 0.3, "hm": 0.1}
    inputs = {"text": Categories(count=10, shares=shares)}
    changed = Package(package.folder, package.manifest)
    changed.__dict__["baseline"] = baseline.model_copy(update={"inputs": inputs})
    segment = SegmentConfig(input="text", most=2)
    assert segment_groups(changed, [segment, SegmentConfig(input="gone")]).values == {"text": ("good", "bad", OTHERS)}
    whole, *parts = score_summing(changed, [segment])
    scored = answers(30, seed=1)
    captures = [
        each.model_copy(update={"inputs": {"text": text}})
        for each, text in zip(captures_of(scored, HOUR), ["good", "bad", "hm"] * 10, strict=True)
    ]
    sums = {each.name: tuple(each.add(captures)) for each in (whole, *parts)}
    found = [read_sums(package.calibration, [sums], "text", value) for value in ("good", "bad", OTHERS)]
    assert [each.n for each in found] == [10, 10, 10]
    assert sum(each.total for each in found) == pytest.approx(read_sums(package.calibration, [sums]).total)


def test_without_captures_nothing_is_known() -> None:
    found = estimated_accuracy(calibration(), read_sums(calibration(), []))
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


def test_the_calibration_of_few_records_makes_the_estimate_uncertain() -> None:
    scored = answers(1000, seed=2)
    variances = []
    for records in (200, 20_000):
        known = calibration(records)
        summing = ScoreSumming(known)
        vector = [*summing.add_scores(scored.labels.tolist(), scored.scores), 0.0]
        variances.append(calibration_variance(known, ScoreSums.of_vector(vector)))
    # With all of its cells alike, n records measure a share with a variance of p (1 - p) / n.
    assert variances[0] == pytest.approx(0.16 / 200, rel=0.25)
    assert variances[1] == pytest.approx(0.16 / 20_000, rel=0.25)


@pytest.mark.parametrize("low", [0.5, 0.8])
def test_it_covers_the_share_that_turns_out_right_also_where_scores_are_others(low: float) -> None:
    """Calibrated scores survive a shift of the inputs: the share of right answers may be another than in validation."""
    covered, widths = 0, []
    for seed in range(80):
        known = calibrate(answers(2000, seed=1000 + seed))
        scored = answers(400, seed=seed, low=low)
        vector = [*ScoreSumming(known).add_scores(scored.labels.tolist(), scored.scores), 0.0]
        found = estimated_accuracy(known, ScoreSums.of_vector(vector))
        covered += found.low <= scored.right.mean() <= found.high
        widths.append(found.half_width)
    assert covered >= 0.93 * 80
    assert max(widths) < 0.08
