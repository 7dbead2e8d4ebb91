"""The bets are worth 1 at most on average while nothing drifts, whatever the hours of a day are."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from slipway.monitoring.drift.evidence import STAKES, Evidence, Lines, Volume, start_weight
from slipway.monitoring.drift.lines import groups_of, lines_of
from slipway.statistics.betting import upper_bound


def one_group(line: float, sudden: float = 0.9) -> Lines:
    """The first of two cells, with this line."""
    return Lines(np.array([[1.0, 0.0]]), np.array([1.0]), np.array([line]), np.array([sudden]))


def cycle_value(lines: Lines, hours: list[tuple[float, float]], full: float) -> float:
    """The evidence of a cycle of these counts alone, where periods of ``full`` records count in full."""
    volume = Volume(*(np.array(each) for each in (full, 0.0, 0.0, 0.0)))
    evidence = Evidence(Evidence.of(lines).capital, np.zeros((1, len(STAKES))), volume)
    for good, bad in hours:
        evidence = evidence.after(np.array([good, bad]), lines, start=1e-300)
    return float(np.exp(evidence.closed(lines, start=1.0, ceiling=99).value(lines))) / 0.7


@pytest.mark.parametrize("means", [(0.2, 0.2, 0.2), (0.0, 0.1, 0.5), (0.6, 0.0, 0.0), (0.05, 0.35, 0.2)])
@pytest.mark.parametrize("whole", [False, True])
def test_a_cycle_is_worth_one_at_most_if_its_mean_is_on_the_line(means: tuple[float, ...], *, whole: bool) -> None:
    """Exactly, over all outcomes of three hours: of single records, or with all records of an hour alike."""
    records = 1 if not whole else 40
    worth = 0.0
    for outcome in product((0, 1), repeat=3):
        chance = np.prod([mean if each else 1 - mean for mean, each in zip(means, outcome, strict=True)])
        hours = [(float(records * each), float(records * (1 - each))) for each in outcome]
        worth += float(chance) * cycle_value(one_group(0.2), hours, full=records)
    assert worth <= 1 + 1e-9


def test_a_cycle_counts_hours_by_their_records() -> None:
    """A busy hour under the line and a quiet one over it, whose mean by records is on it."""
    worth, line = 0.0, 0.2
    busy, quiet = (30.0, 0.1), (10.0, 0.5)
    for first, second in product((0, 1), repeat=2):
        chance = (busy[1] if first else 1 - busy[1]) * (quiet[1] if second else 1 - quiet[1])
        hours = [(busy[0] * first, busy[0] * (1 - first)), (quiet[0] * second, quiet[0] * (1 - second))]
        worth += chance * cycle_value(one_group(line), hours, full=30.0)
    assert worth <= 1 + 1e-9


def test_independent_records_are_worth_one_at_most_if_their_mean_is_on_the_line() -> None:
    lines, records = replace(one_group(0.2), alone=True), 30
    worth = sum(
        float(binom.pmf(grown, records, 0.2)) * cycle_value(lines, [(float(grown), float(records - grown))], full=0)
        for grown in range(records + 1)
    )
    assert worth == pytest.approx(1, abs=1e-6)


def test_more_than_the_line_wins() -> None:
    assert cycle_value(one_group(0.2), [(40.0, 60.0)] * 24, full=100) > 1e4


def test_an_hour_without_records_and_the_first_hour_say_nothing() -> None:
    lines = one_group(0.2)
    first = Evidence.of(lines).after(np.array([90.0, 10.0]), lines, start=0.25)
    assert first.pending.tolist() == [[0.0] * len(STAKES)]
    nothing = first.after(np.array([0.0, 0.0]), lines, start=0.25)
    assert nothing.pending.tolist() == first.pending.tolist()


def test_an_hour_with_one_record_hardly_counts_beside_one_with_a_thousand() -> None:
    lines = one_group(0.2)
    busy = Evidence.of(lines).after(np.array([200.0, 800.0]), lines, start=0.25)
    one, many = (busy.after(np.array(counts), lines, start=0.25).pending for counts in ([1.0, 0.0], [1000.0, 0.0]))
    assert 0 < one[0, -1] < 0.01
    assert many[0, -1] > 1


def test_the_volume_forgets_a_burst_and_does_not_let_it_rule() -> None:
    volume = Volume.of()
    for records in [10.0] * 23 + [1000.0]:
        volume = volume.after(np.array(records))
    full = float(volume.closed().full)
    assert full == pytest.approx(3 * (230 + 1000) / 24)
    quiet = volume.closed()
    for _ in range(6):
        for _ in range(24):
            quiet = quiet.after(np.array(10.0))
        quiet = quiet.closed()
    assert float(quiet.full) == pytest.approx(10)


@pytest.mark.parametrize("per_year", [365, 8760])
def test_the_weights_of_all_starts_of_a_year_add_up_to_1_at_most(per_year: int) -> None:
    assert sum(start_weight(number, per_year) for number in range(1, per_year + 1)) <= 1
    assert start_weight(per_year, per_year) >= 0.5 / per_year


def test_evidence_is_kept_up_to_a_ceiling() -> None:
    lines = one_group(0.2)
    evidence = Evidence.of(lines)
    for _ in range(30):
        evidence = evidence.after(np.array([100.0, 0.0]), lines, start=0.25)
    assert float(evidence.closed(lines, start=0.25, ceiling=10).value(lines)) == pytest.approx(10, abs=0.5)


def test_the_groups_of_numbers_are_cells_and_tails_and_those_of_categories_the_rest_of_large_ones() -> None:
    numbers = groups_of("numbers", [0.0, 0.5, 0.5, 0.0, 0.0]).members.astype(int).tolist()
    assert [0, 0, 1, 1, 0] in numbers
    assert [1, 1, 0, 0, 0] in numbers
    assert [1, 1, 1, 1, 0] not in numbers  # all but the missing: that they shrink is that more is missing
    two = groups_of("categories", [0.4, 0.6, 0.0, 0.0])
    assert two.members.tolist() == np.eye(4).tolist()  # the rest of the first is the second
    three = groups_of("categories", [0.5, 0.3, 0.2, 0.0]).members.astype(int).tolist()
    assert [0, 1, 1, 1] in three
    assert two.weights.sum() == pytest.approx(1)


def test_a_line_is_above_the_share_by_the_margin_and_the_error_of_the_baseline() -> None:
    groups = groups_of("categories", [0.4, 0.6])
    small, large = (
        lines_of(groups, np.array([0.4, 0.6]), count, margin=0.01, error=1e-6) for count in (100.0, 1_000_000.0)
    )
    assert float(large.cycle[0]) == pytest.approx(0.41, abs=0.003)
    expected = upper_bound(np.array([100.0]), np.array([40.0]), 1e-6) + 0.01
    assert float(small.cycle[0]) == pytest.approx(float(expected[0]))
    assert (small.sudden > small.cycle).all()
