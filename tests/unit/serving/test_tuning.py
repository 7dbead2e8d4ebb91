"""Which plans are measured, and which is chosen."""

import time
from collections.abc import Sequence
from pathlib import Path

from slipway.config.heavy import HeavyConfig
from slipway.models.manifest import Manifest
from slipway.models.package import Package
from slipway.serving.batching.tuning import candidates, tune

GPU = {"compute": "gpu", "gpus": 1}
RECORDS = [{"text": "x" * length} for length in range(1, 17)]


def package() -> Package:
    files = [{"path": path, "bytes": 0, "sha256": "0" * 64} for path in ("README.md", "baseline.json", "model.onnx")]
    manifest = Manifest.model_validate(
        {
            "format": 1,
            "name": "graph",
            "version": 1,
            "task": "tabular-regression",
            "description": "",
            "inputs": [{"name": "text", "type": "string"}],
            "outputs": {},
            "graph": {"file": "model.onnx", "inputs": ["x"], "outputs": ["y"]},
            "files": files,
            "training": {"command": "pytest"},
            "quality": [{"metric": "r2", "value": 1.0, "data": "made up"}],
        }
    )
    return Package(Path("graph"), manifest)


class Graph:
    """A graph of a known cost: so long for a run, for each record, and for each further record of a batch."""

    def __init__(self, *, run: float = 0.0, record: float = 0.0, more: float = 0.0, company: bool = False) -> None:
        self.run, self.record, self.more, self.company = run, record, more, company

    def predict_batch(self, records: Sequence):
        time.sleep(self.run + self.record * len(records) + self.more * (len(records) - 1))
        return [{"value": float(len(records) if self.company else 1)} for _ in records], None


def shapes(config: HeavyConfig, processors: int, *, batching: bool) -> set[tuple[int, int, int]]:
    return {(p.sessions, p.threads, p.max_batch) for p in candidates(config, processors, batching=batching)}


def test_every_plan_uses_every_processor() -> None:
    assert shapes(HeavyConfig(), 2, batching=False) == {(2, 1, 1), (1, 2, 1)}
    assert shapes(HeavyConfig(), 1, batching=True) == {(1, 1, 1), (1, 1, 8), (1, 1, 32)}
    assert shapes(HeavyConfig(), 8, batching=False) == {(8, 1, 1), (4, 2, 1), (2, 4, 1), (1, 8, 1)}


def test_what_is_fixed_is_not_asked() -> None:
    assert shapes(HeavyConfig(sessions=3, threads=2), 8, batching=False) == {(3, 2, 1)}
    assert shapes(HeavyConfig(threads=2), 8, batching=False) == {(4, 2, 1)}
    assert shapes(HeavyConfig(sessions=2), 8, batching=False) == {(2, 4, 1)}
    assert shapes(HeavyConfig(sessions=1, threads=1, max_batch=16), 2, batching=True) == {(1, 1, 16)}
    assert shapes(HeavyConfig(sessions=1, threads=1, max_batch=16), 2, batching=False) == {(1, 1, 1)}


def test_on_a_gpu_large_batches_are_tried() -> None:
    assert (1, 1, 128) in shapes(HeavyConfig(**GPU), 4, batching=True)


def test_batches_are_chosen_where_a_run_costs_and_a_record_does_not() -> None:
    tuned = tune(HeavyConfig(), package(), lambda _: Graph(run=0.003), RECORDS, processors=1, seconds=0.6)
    assert tuned.plan.max_batch == 32


def test_single_records_are_chosen_where_batches_cost_more() -> None:
    config = HeavyConfig(max_wait_ms=3)
    tuned = tune(config, package(), lambda _: Graph(record=0.005, more=0.05), RECORDS, processors=1, seconds=0.4)
    assert (tuned.plan.max_batch, tuned.plan.max_wait_ms) == (1, 0)


def test_one_session_of_many_threads_is_chosen_where_it_carries_more() -> None:
    def open_graph(threads: int) -> Graph:
        return Graph(record=0.05 if threads == 1 else 0.001)

    tuned = tune(HeavyConfig(max_batch=1), package(), open_graph, RECORDS, processors=2, seconds=0.6)
    assert (tuned.plan.sessions, tuned.plan.threads) == (1, 2)


def test_a_graph_that_answers_by_its_company_is_found_out() -> None:
    tuned = tune(HeavyConfig(), package(), lambda _: Graph(run=0.002, company=True), RECORDS, processors=1, seconds=0.1)
    assert tuned.plan.max_batch == 1


def test_the_queue_is_short_enough_for_the_deadline() -> None:
    config = HeavyConfig(timeout_seconds=1)
    tuned = tune(config, package(), lambda _: Graph(record=0.05), RECORDS, processors=1, seconds=0.4)
    assert 1 <= tuned.plan.queue <= 10
    fixed = tune(HeavyConfig(queue=7), package(), lambda _: Graph(), RECORDS, processors=1, seconds=0.1)
    assert fixed.plan.queue == 7
