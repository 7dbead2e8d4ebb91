"""Checks of labels by the answers of the version that serves: chance and drift pass, and a wrong feed does not."""

import numpy as np
import pytest

from slipway.models.manifest import Outputs, Target
from slipway.training.label_checks import label_checks

LATE = Outputs(labels=("late", "on time"))


def answers(late: np.ndarray) -> list[dict[str, object]]:
    return [{"label": "late" if p > 0.5 else "on time", "scores": {"late": p, "on time": 1 - p}} for p in late]


def drawn(count: int, seed: int = 1, times: float = 1.0) -> tuple[np.ndarray, list[str]]:
    chance = np.random.default_rng(seed)
    late = chance.beta(1, 4, count)
    return late, ["late" if chance.random() < p * times else "on time" for p in late]


def names(found: list) -> dict[str, bool]:
    return {each.name: each.passed for each in found}


def test_labels_as_the_scores_say_pass() -> None:
    late, truth = drawn(2000)
    found = label_checks(LATE, answers(late), truth, np.ones(2000), max_shift=0.3)
    assert names(found) == {"label shift": True, "label order": True}
    assert found[0].measured == pytest.approx(0, abs=0.03)


def test_a_month_with_half_more_late_flights_is_drift_and_passes() -> None:
    late, truth = drawn(2000, times=1.6)
    assert all(names(label_checks(LATE, answers(late), truth, np.ones(2000), max_shift=0.3)).values())


def test_opposite_labels_fail_both() -> None:
    late, truth = drawn(2000)
    opposite = ["late" if each == "on time" else "on time" for each in truth]
    found = label_checks(LATE, answers(late), opposite, np.ones(2000), max_shift=0.3)
    assert names(found) == {"label shift": False, "label order": False}
    assert "of the newest labels are 'late' where the serving version's scores lead one to expect" in found[0].sentence


def test_opposite_labels_of_two_as_frequent_classes_fail_by_their_order() -> None:
    chance = np.random.default_rng(2)
    late = chance.random(500)
    opposite = ["on time" if chance.random() < p else "late" for p in late]
    found = label_checks(LATE, answers(late), opposite, np.ones(500), max_shift=0.3)
    assert names(found) == {"label shift": True, "label order": False}


@pytest.mark.parametrize("seed", range(20))
def test_labels_that_are_noise_are_not_called_opposite(seed: int) -> None:
    chance = np.random.default_rng(seed)
    late = chance.random(200)
    truth = ["late" if flag else "on time" for flag in chance.random(200) < 0.5]
    assert names(label_checks(LATE, answers(late), truth, np.ones(200), max_shift=None)) == {"label order": True}


def test_weights_count_in_the_shares() -> None:
    late = np.full(10, 0.5)
    truth = ["late"] * 2 + ["on time"] * 8
    found = label_checks(LATE, answers(late), truth, np.array([4.0] * 2 + [1.0] * 8), max_shift=0.1)
    assert found[0].measured == pytest.approx(0)


def test_values_of_a_regression_are_checked_by_their_order_alone() -> None:
    one = Outputs(unit="minutes")
    said = [{"value": float(at)} for at in range(30)]
    right = [float(at) ** 2 for at in range(30)]
    assert names(label_checks(one, said, right, np.ones(30), max_shift=0.3)) == {"label order": True}
    assert names(label_checks(one, said, right[::-1], np.ones(30), max_shift=0.3)) == {"label order": False}
    several = Outputs(targets=(Target(name="width"), Target(name="height")))
    both = [{"values": {"width": float(at), "height": float(-at)}} for at in range(30)]
    truth = [(float(at), float(-at)) for at in range(30)]
    assert names(label_checks(several, both, truth, np.ones(30), max_shift=0.3)) == {"label order": True}


def test_answers_of_another_form_are_not_checked() -> None:
    assert label_checks(LATE, [{"mine": 1}], ["late"], np.ones(1), max_shift=0.3) == []
