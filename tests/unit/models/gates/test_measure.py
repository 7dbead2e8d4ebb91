import math
from itertools import count

import pytest

from slipway.errors import InputError, PackageError
from slipway.models.gates.measure import agreement, measure, measure_memory, measure_throughput, size_of
from slipway.models.gates.quality import quality
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor


def _classified(label: str, **scores: float) -> dict[str, object]:
    return {"label": label, "score": max(scores.values(), default=1.0), "scores": scores}


def test_one_package_is_measured_whole(text_package: Package) -> None:
    found = measure(text_package, [{"text": "good sunny"}, {"text": "bad"}], seconds=0.05)
    assert found.latency.calls >= 100
    assert 0 < found.latency.median_ms <= found.latency.p99_ms
    assert found.latency.mean_ms > 0  # one slow call of many can raise it above the 99th percentile
    assert found.latency.cv2 >= 0
    assert 20 < found.memory_mb < 500
    assert found.size_bytes == sum(path.stat().st_size for path in text_package.folder.iterdir())


def test_memory_is_that_of_a_fresh_process(tabular_package: Package) -> None:
    records = [{"radius": 1.0, "smooth": 0.5, "age": 3}]
    before = measure_memory(tabular_package.folder, records)
    ballast = bytearray(200_000_000)
    assert measure_memory(tabular_package.folder, records) < before + 50
    assert ballast[-1] == 0


def test_a_package_that_fails_in_the_fresh_process_is_named(text_package: Package) -> None:
    (text_package.folder / "README.md").write_text("altered", encoding="utf-8")
    with pytest.raises(PackageError, match=r"cannot be measured in a separate process.*was altered"):
        measure_memory(text_package.folder, [{"text": "good"}])


def test_throughput_counts_records_not_batches(tabular_package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that moves by a second whenever it is read, so each batch takes one."""
    records = [{"radius": 1.0, "smooth": 0.5, "age": 3}]
    for batch in (1, 64):
        seconds = count()
        monkeypatch.setattr("slipway.models.gates.measure.perf_counter", lambda seconds=seconds: next(seconds))
        # The eleventh reading is ten seconds after the first, and nine batches lie between.
        assert measure_throughput(Predictor(tabular_package), records, batch=batch, seconds=10) == 9 * batch / 10


def test_measuring_needs_a_record(text_package: Package) -> None:
    with pytest.raises(InputError, match="at least one record"):
        measure(text_package, [])


def test_size_counts_the_manifest_too(text_package: Package) -> None:
    listed = sum(entry.bytes for entry in text_package.manifest.files)
    assert size_of(text_package) == listed + (text_package.folder / "model.yaml").stat().st_size


def test_quality_of_a_classifier(text_package: Package) -> None:
    outputs = [
        _classified("negative", negative=0.8, neutral=0.1, positive=0.1),
        _classified("negative", negative=0.5, neutral=0.25, positive=0.25),
        _classified("positive", negative=0.1, neutral=0.1, positive=0.8),
        _classified("positive", negative=0.25, neutral=0.25, positive=0.5),
    ]
    found = quality(text_package.manifest, outputs, ["negative", "positive", "positive", "positive"])
    # Recall of negative is 1 of 1, of positive 2 of 3; neutral does not occur.
    assert found["macro_recall"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["log_loss"] == pytest.approx(-(2 * math.log(0.8) + math.log(0.25) + math.log(0.5)) / 4)


def test_a_score_of_zero_for_the_truth_is_a_large_loss_and_not_an_infinite_one(text_package: Package) -> None:
    outputs = [_classified("negative", negative=1.0, neutral=0.0, positive=0.0)]
    assert quality(text_package.manifest, outputs, ["positive"])["log_loss"] == pytest.approx(-math.log(5e-7))


def test_outputs_without_scores_have_no_log_loss(text_package: Package) -> None:
    assert quality(text_package.manifest, [{"label": "neutral"}], ["neutral"]) == {"macro_recall": 1, "accuracy": 1}


def test_quality_of_a_regression(regression_package: Package) -> None:
    found = quality(regression_package.manifest, [{"value": 1.0}, {"value": 4.0}], [2, 4])
    # Errors -1 and 0; the truth is 2 and 4, so its squared spread is 2.
    assert found == {"mae": 0.5, "rmse": pytest.approx(math.sqrt(0.5)), "r2": pytest.approx(0.5)}


def test_r2_is_left_out_where_the_truth_is_constant(regression_package: Package) -> None:
    assert "r2" not in quality(regression_package.manifest, [{"value": 1.0}, {"value": 4.0}], [2, 2])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["neutral", "neutral"], "2 labels for 1 outputs"),
        (["angry"], "angry are not among negative, neutral, positive"),
    ],
)
def test_labels_that_do_not_fit_are_refused(text_package: Package, labels: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        quality(text_package.manifest, [{"label": "neutral"}], labels)


def test_a_regression_needs_numbers(regression_package: Package) -> None:
    with pytest.raises(InputError, match="needs numbers"):
        quality(regression_package.manifest, [{"value": 1.0}], ["dear"])


def test_agreement_of_labels_ignores_scores() -> None:
    first = [_classified("a", a=0.9), _classified("b", b=0.6)]
    second = [_classified("a", a=0.5), _classified("a", a=0.5)]
    assert agreement(first, second) == 0.5


def test_agreement_of_values_has_a_tolerance() -> None:
    first = [{"value": 100.0}, {"value": 100.0}, {"value": 0.0}]
    second = [{"value": 100.9}, {"value": 103.0}, {"value": 0.0}]
    assert agreement(first, second) == pytest.approx(2 / 3)
    assert agreement(first, second, tolerance=0.05) == 1


def test_agreement_needs_as_many_of_each() -> None:
    with pytest.raises(InputError, match="1 against 2"):
        agreement([{"value": 1.0}], [{"value": 1.0}, {"value": 1.0}])
