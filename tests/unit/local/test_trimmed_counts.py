from typing import Any

import pytest
from ministack.services import cloudwatch

from local.emulator import trimmed_counts


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Recorded here, so that it is put back.
    monkeypatch.setattr(cloudwatch, "_stat_value", cloudwatch._stat_value)
    trimmed_counts.install()


def points(*values: float) -> list[dict[str, Any]]:
    return [{"Value": value} for value in values]


@pytest.mark.parametrize(("limit", "count"), [("0.5", 3), ("12.500000", 1), ("20", 0)])
def test_values_above_the_limit_are_counted_and_those_at_it_are_not(limit: str, count: int) -> None:
    assert cloudwatch._stat_value({}, f"TC({limit}:)", points(1, 12.5, 20)) == count


def test_other_statistics_are_as_they_were() -> None:
    assert cloudwatch._stat_value({"Sum": 3}, "Sum", points(1, 2)) == 3
    assert cloudwatch._stat_value({}, "p50", points(1, 2, 3)) == 2
