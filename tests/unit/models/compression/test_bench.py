"""The drop that the budget limits, for each kind of output."""

from pathlib import Path

import pytest
from support.compressible import write_jsonl

from slipway.models.compression.bench import Bench, difference
from slipway.models.gates.labelled import read_given
from slipway.models.package import Package


def _bench(package: Package, path: Path, rows: list[dict[str, object]]) -> Bench:
    return Bench(package, read_given(write_jsonl(path / "rows.jsonl", rows), package.manifest))


def test_a_regressions_budget_is_r2(regression_package: Package, tmp_path: Path) -> None:
    rows = [{"rooms": float(n), "area": 1.0, "label": n + 1.5} for n in range(5)]
    bench = _bench(regression_package, tmp_path, rows)
    assert set(bench.quality) == {"mae", "rmse", "r2"}
    assert bench.judge(regression_package).drop == 0


def test_where_the_truth_is_constant_it_is_the_rise_of_rmse(regression_package: Package, tmp_path: Path) -> None:
    rows = [{"rooms": 1.0, "area": float(n), "label": 2.0} for n in range(5)]
    bench = _bench(regression_package, tmp_path, rows)
    assert set(bench.quality) == {"mae", "rmse"}
    assert bench.judge(regression_package).drop == 0


def test_without_labels_it_is_agreement(text_package: Package, tmp_path: Path) -> None:
    bench = _bench(text_package, tmp_path, [{"text": "good"}, {"text": "bad"}])
    assert bench.quality == {}
    assert bench.judge(text_package).drop == 0
    assert bench.judge(text_package).agreement == 1


def test_a_single_record_says_nothing_of_batches(text_package: Package, tmp_path: Path) -> None:
    bench = _bench(text_package, tmp_path, [{"text": "good"}])
    assert bench.batch_difference(text_package, bench.outputs) is None


def test_a_float_graph_answers_alike_in_a_batch(text_package: Package, tmp_path: Path) -> None:
    bench = _bench(text_package, tmp_path, [{"text": "good " * n} for n in range(1, 40)])
    assert bench.batch_difference(text_package, bench.outputs) == pytest.approx(0, abs=1e-5)


def test_differences() -> None:
    assert difference({"scores": {"a": 0.25, "b": 0.75}}, {"scores": {"a": 0.5, "b": 0.5}}) == 0.25
    assert difference({"value": 4.0}, {"value": 5.0}) == 0.25
    assert difference({"boxes": [1]}, {"boxes": [1]}) == 0
    assert difference({"boxes": [1]}, {"boxes": [2]}) == 1
