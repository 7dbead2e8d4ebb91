"""Units of reads and writes, and the growth of a table on demand."""

import numpy as np
import pytest

from slipway.scale.limits import load_limits
from slipway.scale.tables import read_units, taken, write_units


@pytest.mark.parametrize(("size", "units"), [(100, 0.5), (4096, 0.5), (4097, 1.0)])
def test_an_eventually_consistent_read_takes_half_a_unit_for_four_kilobytes(size: int, units: float) -> None:
    assert read_units(size) == units


def test_a_write_takes_a_unit_for_each_kilobyte() -> None:
    assert (write_units(1024), write_units(1025)) == (1, 2)


def test_a_table_takes_twice_its_peak_of_half_an_hour_before() -> None:
    asked = np.full(300, 100_000.0)  # steps of 30 s
    found = taken(asked, 30.0, start=12_000, most=1e9, limits=load_limits())
    assert found[0] == 12_000
    assert found[59] == 12_000
    assert found[65] == 24_000
    assert found[125] == 48_000
    assert found[-1] == 100_000
    capped = taken(asked, 30.0, start=12_000, most=40_000, limits=load_limits())
    assert capped.max() == 40_000
