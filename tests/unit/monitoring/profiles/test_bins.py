"""Bins are the cells of the baseline, and hold the shares that the baseline's own records have."""

import math
from typing import Any

import pytest
from support.captures import HOUR, capture

from slipway.models.measurements.baseline import Numbers, measure_baseline, numbers
from slipway.models.package import Package
from slipway.monitoring.profiles.bins import Bins, bins_of, number_bins
from slipway.monitoring.profiles.columns import NumberCounting
from slipway.monitoring.profiles.making import profile_of


def by_column(package: Package) -> dict[str, Bins]:
    return {each.column: each for each in bins_of(package.manifest, package.baseline)}


def counted(bins: Bins, values: list[Any]) -> dict[str, int]:
    counting = NumberCounting(bins)
    counting.add(values)
    return {cell: count for cell, count in zip(bins.cells, counting.counts()[bins.column], strict=True) if count}


def test_numbers_have_their_quantile_bins_between_two_cells_out_of_range() -> None:
    bins = number_bins("inputs.age", numbers([float(value) for value in range(1, 101)]), missing=0.2)
    assert (bins.cells[0], bins.cells[-2:]) == ("below", ("above", "missing"))
    assert len(bins.cells) == len(bins.edges) + 2 == len(bins.expected)
    assert sum(bins.expected) == pytest.approx(1)
    assert (bins.expected[0], bins.expected[-2], bins.expected[-1]) == (0, 0, pytest.approx(0.2))
    assert bins.expected[1:-2] == pytest.approx([0.08] * 10, abs=0.01)


def test_values_are_counted_where_the_edges_say() -> None:
    bins = number_bins("inputs.age", numbers([float(value) for value in range(1, 101)]))
    assert counted(bins, [0.5]) == {"below": 1}
    assert counted(bins, [100.01, math.inf, 1e300]) == {"above": 3}
    assert counted(bins, [None, math.nan, "?", [1]]) == {"missing": 4}
    assert counted(bins, [1, 100]) == {bins.cells[1]: 1, bins.cells[-3]: 1}


@pytest.mark.parametrize("value", [0.0, 2.0, -3.0, 1234567.891, -1 / 3])
def test_a_constant_has_one_bin_which_its_value_is_in(value: float) -> None:
    bins = number_bins("inputs.constant", numbers([value] * 20))
    assert len(bins.cells) == 4
    assert counted(bins, [value]) == {bins.cells[1]: 1}
    assert bins.expected == (0, 1, 0, 0)
    apart = 1 + abs(value) / 1000  # a baseline has six digits
    assert counted(bins, [value - apart]) == {"below": 1}
    assert counted(bins, [value + apart]) == {"above": 1}


def test_the_baselines_own_values_are_not_out_of_range_though_it_rounds() -> None:
    values = [1.00000049 + place / 7 for place in range(1000)]
    found = counted(number_bins("inputs.x", numbers(values)), values)
    assert {"below", "above", "missing"}.isdisjoint(found)


def test_edges_increase_strictly() -> None:
    tied = Numbers(count=3, mean=1, std=1, min=0, max=2, edges=(0.0, 1.0, 2.0), shares=(0.5, 0.25, 0.25, 0.0))
    bins = number_bins("inputs.x", tied)
    assert list(bins.edges) == sorted(set(bins.edges))
    assert bins.expected == pytest.approx((0, 0.5, 0.25, 0.25, 0, 0))


def test_a_profile_of_the_baselines_records_has_its_shares(tabular_package: Package) -> None:
    manifest = tabular_package.manifest
    record = {field.name: field.allowed[0] if field.allowed else 1.0 for field in manifest.inputs}
    labels = manifest.outputs.labels or ()
    outputs = [{"label": labels[0], "score": 0.9}, {"label": labels[1], "score": 0.6}]
    baseline = measure_baseline(manifest, [record, record], outputs)
    package = Package(tabular_package.folder, manifest)
    package.__dict__["baseline"] = baseline
    captures = [
        capture(number, inputs=record, outputs=output, model=manifest.name, version=manifest.version)
        for number, output in enumerate(outputs)
    ]
    profile = profile_of(package, captures, start=HOUR, minutes=60)
    for bins in bins_of(manifest, baseline):
        assert [count / 2 for count in profile.counts[bins.column]] == pytest.approx(bins.expected), bins.column


def test_a_text_has_four_columns(text_package: Package) -> None:
    columns = by_column(text_package)
    assert [name for name in columns if name.startswith("inputs.")] == [
        "inputs.text.characters",
        "inputs.text.words",
        "inputs.text.unseen",
        "inputs.text.pieces",
    ]
    pieces = columns["inputs.text.pieces"]
    assert (pieces.kind, len(pieces.cells), pieces.expected[-1]) == ("pieces", 257, 0)
    assert sum(pieces.expected) == pytest.approx(1)


def test_a_baseline_from_before_gives_the_bins_that_it_can(text_package: Package) -> None:
    text = text_package.baseline.inputs["text"].model_copy(update={"words": None, "unseen": None, "pieces": None})
    old = text_package.baseline.model_copy(update={"inputs": {"text": text}})
    names = [each.column for each in bins_of(text_package.manifest, old)]
    assert names == ["inputs.text.characters", "outputs.label", "outputs.score"]
