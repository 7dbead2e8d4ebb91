"""A record's answer does not depend on who else is asking, with real quantized graphs."""

import asyncio
from pathlib import Path

import pytest
from support.compressible import make_mood_package, mood_rows

from slipway.config.heavy import HeavyConfig
from slipway.models.package import Package, load_package, seal_package
from slipway.models.prediction.predictor import Predictor
from slipway.serving.batching.executor import Executor
from slipway.serving.batching.tuning import tune

RECORDS = [{"text": row["text"] * (1 + number % 5)} for number, row in enumerate(mood_rows(96, seed=9))]


def dynamic(folder: Path, batch_independent: bool | None) -> Package:
    """Int8 with scales that come from the whole batch, as ONNX Runtime's dynamic quantization makes it."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    made = make_mood_package(folder / "float")
    target = folder / "int8"
    target.mkdir()
    for entry in made.manifest.files:
        (target / entry.path).write_bytes(made.path(entry.path).read_bytes())
    quantize_dynamic(made.path("model.onnx"), target / "model.onnx", weight_type=QuantType.QInt8)
    document = made.manifest.model_dump(mode="json", exclude={"files"}, exclude_unset=True)
    quantization = {"method": "dynamic", "batch_independent": batch_independent}
    return seal_package(target, {**document, "quantization": quantization})


async def ask_all(executor: Executor) -> list[dict]:
    """Requests of one record and requests of several, all waiting together."""
    asked = [executor.predict([record], float("inf")) for record in RECORDS[:48]]
    several = [executor.predict(RECORDS[start : start + 16], float("inf")) for start in (48, 64, 80)]
    return [output for answered in await asyncio.gather(*asked, *several) for output in answered.outputs]


def served(package: Package, **fixed) -> tuple[Executor, list[dict]]:
    """The plan that is found, and the answers to records that wait together."""
    predictors = {threads: Predictor(package, threads=threads) for threads in (1, 2)}
    config = HeavyConfig(queue=1000, **fixed)
    tuned = tune(config, package, predictors.__getitem__, RECORDS, processors=2, seconds=0.2)
    executor = Executor("moods", tuned.predictor, tuned.plan)
    try:
        return executor, asyncio.run(ask_all(executor))
    finally:
        executor.close()


def alone(package: Package) -> list[dict]:
    predictor = Predictor(package)
    return [predictor.predict([record])[0] for record in RECORDS]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("said", [False, None, True], ids=["false", "unknown", "wrongly true"])
def test_dynamic_scales_never_meet_a_batch(tmp_path: Path, said: bool | None) -> None:
    package = dynamic(tmp_path, said)
    together = Predictor(package).predict(RECORDS)
    assert together != alone(package), "the graph would not tell the difference"
    executor, outputs = served(package, max_batch=32)
    assert outputs == alone(package)
    assert {batch.size for batch in executor.batches} == {1}


def test_a_graph_in_float_runs_in_batches_and_answers_the_same(tmp_path: Path) -> None:
    package = load_package(make_mood_package(tmp_path / "float").folder)
    executor, outputs = served(package, max_batch=32, sessions=1, threads=1)
    assert max(batch.size for batch in executor.batches) > 1
    for output, expected in zip(outputs, alone(package), strict=True):
        assert output["label"] == expected["label"]
        assert output["scores"] == pytest.approx(expected["scores"], abs=1e-5)
