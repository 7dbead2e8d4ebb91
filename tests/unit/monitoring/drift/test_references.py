"""What a column is compared with, and the records that an acknowledged window is worth."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.drift import categories

from slipway.errors import InputError
from slipway.monitoring.drift.references import (
    Acknowledged,
    acknowledge,
    compared_with,
    dump_references,
    independent_records,
    load_references,
)
from slipway.monitoring.drift.windows import Window, window_of
from slipway.monitoring.profiles.profile import Profile

START = datetime(2026, 1, 5, tzinfo=UTC)
LABEL = categories("outputs.label", {"late": 0.2, "on time": 0.8})


def profile(hour: int, *counts: int) -> Profile:
    return Profile("m", 1, START + timedelta(hours=hour), 60, "bins", sum(counts), {"outputs.label": counts})


def test_independent_records_are_worth_their_number() -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(50, [0.2, 0.8], size=2000).astype(float)
    assert independent_records(counts) == pytest.approx(100_000, rel=0.1)


def test_hours_of_one_client_each_are_worth_one_record_each() -> None:
    rng = np.random.default_rng(0)
    late = rng.random(2000) < 0.2
    counts = np.where(late[:, None], [50.0, 0.0], [0.0, 50.0])
    assert independent_records(counts) == pytest.approx(2000, rel=0.1)
    assert independent_records(counts[:1]) == 1


def test_an_acknowledged_window_replaces_the_baseline_of_its_columns() -> None:
    found = acknowledge([LABEL], [profile(0, 30, 70, 0, 0), profile(1, 40, 60, 0, 0)])
    each = found["outputs.label"]
    assert each.shares == (0.35, 0.65, 0.0, 0.0)
    assert (each.records, each.start, each.end) == (200, START, START + timedelta(hours=2))
    bins = compared_with(LABEL, found, records=5)
    assert (bins.expected, bins.count) == (each.shares, int(each.count))
    assert load_references(dump_references(found), "references") == found


def test_an_acknowledgement_of_other_cells_does_not_count() -> None:
    other = {"outputs.label": Acknowledged(("early", "missing"), (1.0, 0.0), 9.0, 9, START, START)}
    assert compared_with(LABEL, other, records=10**9) == LABEL


def test_pieces_are_worth_no_more_than_the_texts_that_they_are_of() -> None:
    assert compared_with(LABEL, {}, records=77).count == 77


def test_what_is_not_a_list_of_acknowledged_columns_is_named() -> None:
    with pytest.raises(InputError, match=r"drift-references: is not a list"):
        load_references(b'{"columns": {"outputs.label": {"shares": [2]}}}', "drift-references")


def test_windows_are_spans_or_two_moments() -> None:
    now = datetime(2026, 1, 7, 12, tzinfo=UTC)
    assert window_of("36h", until=now, option="--window") == Window(now - timedelta(hours=36), now)
    assert window_of("7d", until=now, option="--window").since == now - timedelta(days=7)
    assert window_of("2w", until=now, option="--window").since == now - timedelta(days=14)
    found = window_of("2026-01-05T06:00+01:00/2026-01-06", until=now, option="--window")
    assert found == Window(datetime(2026, 1, 5, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
    with pytest.raises(InputError, match=r"--window: '5y' must be a span like 24h"):
        window_of("5y", until=now, option="--window")
