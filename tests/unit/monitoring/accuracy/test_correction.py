"""Few drawn labels correct the estimate, without bias, whatever the scores are worth and however they were drawn."""

import numpy as np
import pytest

from slipway.monitoring.accuracy.correction import Corrected, Drawn, Population, corrected_accuracy, needed_before
from slipway.monitoring.accuracy.drawing import chance, weight_of

N = 4000


def draw(rng: np.random.Generator, p: np.ndarray, right: np.ndarray, number: int) -> Drawn:
    """Draw as `slipway monitor label` does."""
    weights = np.array([weight_of(each) for each in p])
    places = rng.random(len(p)) / weights
    order = np.argsort(places)
    limit, kept = places[order[number]], order[:number]
    rng.shuffle(kept)
    return Drawn(right[kept], p[kept], np.minimum(1, weights[kept] * limit))


def population(p: np.ndarray) -> Population:
    return Population(float(len(p)), float(p.mean()), float(p.var()))


def runs(shift: float, number: int, count: int = 150, *, seed: int = 0) -> tuple[list[Corrected], list[float]]:
    """The scores say ``shift`` too much of each answer."""
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for _ in range(count):
        p = rng.beta(6, 2, N)
        right = (rng.random(N) < np.clip(p - shift, 0, 1)).astype(float)
        found.append(corrected_accuracy(draw(rng, p, right, number), population(p)))
        truths.append(float(right.mean()))
    return found, truths


@pytest.mark.parametrize("shift", [0.0, 0.15])
@pytest.mark.parametrize("number", [50, 300])
def test_it_covers_and_has_no_bias(shift: float, number: int) -> None:
    found, truths = runs(shift, number)
    once = [each.once.low <= truth <= each.once.high for each, truth in zip(found, truths, strict=True)]
    any_time = [each.any_time.low <= truth <= each.any_time.high for each, truth in zip(found, truths, strict=True)]
    gaps = [each.once.value - truth for each, truth in zip(found, truths, strict=True)]
    assert np.mean(once) >= 0.91
    assert np.mean(any_time) >= 0.96
    assert abs(np.mean(gaps)) < 3.5 * np.std(gaps) / np.sqrt(len(gaps))


def test_at_any_time_means_after_every_label() -> None:
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(60):
        p = rng.beta(6, 2, N)
        right = (rng.random(N) < p).astype(float)
        drawn = draw(rng, p, right, 200)
        for n in range(5, 201, 15):
            first = Drawn(drawn.right[:n], drawn.expected[:n], drawn.probability[:n])
            look = corrected_accuracy(first, population(p)).any_time
            if not look.low <= right.mean() <= look.high:
                missed += 1
                break
    assert missed <= 60 * 0.05 + 1


def test_scores_that_tell_much_narrow_it_and_worthless_ones_do_not_widen_it() -> None:
    rng = np.random.default_rng(1)
    p = np.where(rng.random(N) < 0.7, 0.98, 0.05)
    right = (rng.random(N) < p).astype(float)
    telling = corrected_accuracy(draw(rng, p, right, 200), population(p))
    noise = rng.uniform(0.5, 1, N)
    worthless = corrected_accuracy(draw(rng, noise, right, 200), population(noise))
    plain = np.sqrt(right.mean() * (1 - right.mean()) / 200) * 1.96
    assert telling.power > 0.8
    assert worthless.power < 0.3
    assert telling.once.half_width < 0.7 * plain
    assert worthless.once.half_width < 1.25 * plain


def test_labels_that_are_all_right_prove_little() -> None:
    drawn = Drawn(np.ones(20), np.full(20, 0.8), np.full(20, 0.01))
    found = corrected_accuracy(drawn, Population(2000, 0.8, 0.0))
    assert 0.03 < found.once.half_width < 0.3


def test_it_says_how_many_labels_are_still_needed() -> None:
    assert needed_before(Population(1e6, 0.8, 0.0), width=0.02) == pytest.approx(1.96**2 * 0.16 / 0.02**2, rel=0.01)
    found, _ = runs(0.0, 300, count=20)
    needed = [each.needed + each.labels for each in found]
    widths = [each.once.half_width * np.sqrt(each.labels / need) for each, need in zip(found, needed, strict=True)]
    assert np.mean(widths) == pytest.approx(0.02, rel=0.05)


def test_the_chance_of_a_record_is_the_same_for_every_labeller() -> None:
    chances = np.array([chance(f"m.1.{number:024x}", "seed") for number in range(2000)])
    assert chance("m.1." + "0" * 24, "seed") == chances[0] != chance("m.1." + "0" * 24, "other")
    assert np.histogram(chances, 10, (0, 1))[0].min() > 140
