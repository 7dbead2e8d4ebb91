import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError, PackageError
from slipway.models.measurements.baseline import (
    Baseline,
    Categories,
    Text,
    categories,
    measure_baseline,
    numbers,
    read_baseline,
    write_baseline,
)
from slipway.models.measurements.baseline_fit import misfits
from slipway.models.package import Package


def test_deciles_hold_a_tenth_each() -> None:
    summary = numbers([float(value) for value in range(1000)])
    assert summary.count == 1000
    assert summary.mean == 499.5
    assert (summary.min, summary.max) == (0, 999)
    assert len(summary.edges) == 9
    assert summary.shares == pytest.approx([0.1] * 10, abs=0.001)


def test_ties_take_fewer_bins() -> None:
    summary = numbers([0.0] * 90 + [1.0] * 10)
    assert summary.edges == (0.0, 0.1)
    assert summary.shares == (0.9, 0.0, 0.1)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_shares_cover_every_value(values: list[float]) -> None:
    summary = numbers(values)
    assert sum(summary.shares) == pytest.approx(1, abs=1e-4)
    assert len(summary.shares) == len(summary.edges) + 1
    assert summary.std >= 0


def test_categories_keep_the_frequent_ones() -> None:
    values = [f"v{number}" for number in range(60)] + ["v0"] * 40
    summary = categories(values)
    assert summary.shares["v0"] == 0.41
    assert len(summary.shares) == 50
    assert summary.other == pytest.approx(0.1)


def test_text_is_kept_by_length_only(text_package: Package) -> None:
    records = [{"text": "secret"}, {"text": "secrets"}]
    outputs = [{"label": "neutral", "score": 0.5}, {"label": "positive", "score": 0.75}]
    baseline = measure_baseline(text_package.manifest, records, outputs)
    text = baseline.inputs["text"]
    assert isinstance(text, Text)
    assert text.characters.mean == 6.5
    assert baseline.outputs.labels == {"negative": 0.0, "neutral": 0.5, "positive": 0.5}
    assert baseline.outputs.score is not None
    assert baseline.outputs.score.max == 0.75
    assert "secret" not in baseline.model_dump_json()


def test_a_regression_is_kept_by_value(regression_package: Package) -> None:
    baseline = measure_baseline(
        regression_package.manifest,
        [{"rooms": 1, "area": 2}, {"rooms": 3, "area": 4}],
        [{"value": 3.0}, {"value": 7.0}],
    )
    assert baseline.outputs.labels is None
    assert baseline.outputs.value is not None
    assert baseline.outputs.value.mean == 5


@pytest.mark.parametrize("count", [0, 1])
def test_an_output_for_each_record_is_needed(text_package: Package, count: int) -> None:
    with pytest.raises(InputError, match="a baseline needs one for each"):
        measure_baseline(
            text_package.manifest, [{"text": "a"}] * (count * 2), [{"label": "neutral", "score": 1}] * count
        )


def test_what_is_written_is_read(text_package: Package, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, text_package.baseline)
    assert read_baseline(path) == text_package.baseline
    assert len(path.read_text().splitlines()) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra: is not a known field"),
        ({"records": 0}, "records: must be at least 1"),
        ({"inputs": {"a": {"kind": "sound"}}}, "inputs.a"),
        ({"outputs": {"labels": {"a": 2.0}}}, "outputs.labels.a: must be at most 1"),
    ],
)
def test_a_malformed_baseline_is_named_by_path(
    text_package: Package, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({**json.loads(text_package.baseline.model_dump_json()), **change}))
    with pytest.raises(PackageError, match=rf"baseline.json: .*{message}"):
        read_baseline(path)


def test_edges_and_shares_agree() -> None:
    good = numbers([1.0, 2.0]).model_dump()
    with pytest.raises(ValueError, match="one more entry"):
        Baseline.model_validate({"records": 1, "inputs": {"a": {**good, "shares": [1.0]}}, "outputs": {}})
    with pytest.raises(ValueError, match="must increase"):
        Baseline.model_validate({"records": 1, "inputs": {"a": {**good, "edges": good["edges"][::-1]}}, "outputs": {}})


def test_no_baseline_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"baseline.json: cannot be read"):
        read_baseline(tmp_path / "baseline.json")
    (tmp_path / "baseline.json").write_text("{")
    with pytest.raises(PackageError, match=r"baseline.json: \(file\): Invalid JSON"):
        read_baseline(tmp_path / "baseline.json")


CARRIER = {"name": "carrier", "type": "string", "max_characters": 8}


def carriers(package: Package, values: list[str], *, task: str = "tabular-regression") -> Baseline:
    changes = {"task": task, "inputs": [CARRIER]}
    manifest = package.manifest.model_validate(package.manifest.model_dump(mode="json") | changes)
    return measure_baseline(manifest, [{"carrier": value} for value in values], [{"value": 1.0}] * len(values))


def test_a_text_of_a_table_that_repeats_is_a_category(regression_package: Package) -> None:
    summary = carriers(regression_package, ["UA", "AA", "UA", "DL", "UA", "AA", "DL", "UA"]).inputs["carrier"]
    assert isinstance(summary, Categories)
    assert summary.shares == {"UA": 0.5, "AA": 0.25, "DL": 0.25}


def test_a_text_of_a_table_that_does_not_repeat_stays_out_of_the_package(regression_package: Package) -> None:
    baseline = carriers(regression_package, ["Ann", "Bo", "Cy", "Ann", "Di"])
    assert isinstance(baseline.inputs["carrier"], Text)
    assert "Cy" not in baseline.model_dump_json()


def test_a_manifest_admits_the_categories_of_its_texts(regression_package: Package) -> None:
    baseline = carriers(regression_package, ["UA", "AA"] * 3)
    manifest = regression_package.manifest.model_validate(
        regression_package.manifest.model_dump(mode="json") | {"inputs": [CARRIER]}
    )
    assert misfits(manifest, baseline) == []
    short = manifest.model_copy(update={"inputs": (manifest.inputs[0].model_copy(update={"max_characters": 1}),)})
    [problem] = misfits(short, baseline)
    assert (problem.field, problem.message) == ("inputs.carrier.max_characters", "is 1, but baseline.json has 2")
