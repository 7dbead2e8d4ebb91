"""Golden records: a package that answers as it did when it was made proves itself, and any other is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.golden import flip_a_bit, with_golden
from support.packages import make_regression_package, make_tabular_package, make_text_package, seal_again
from support.several import make_labels_package, make_values_package

from slipway.errors import GoldenError, PackageError
from slipway.models.measurements.golden import (
    FLOAT_TOLERANCE,
    Golden,
    GoldenRecord,
    compare,
    distances,
    prove,
    read_golden,
)
from slipway.models.measurements.golden_choice import choose_records, make_golden
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor

TEXTS = [{"text": text} for text in ("good", "bad", "sunny and good", "awful", "hm", "a bad, bad day", "")]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return with_golden(make_text_package(tmp_path / "tiny-sentiment" / "1"), TEXTS)


def _golden(*pairs: tuple[dict[str, Any], dict[str, Any]], tolerance: float = FLOAT_TOLERANCE) -> Golden:
    records = tuple(GoldenRecord(record=record, expected=expected) for record, expected in pairs)
    return Golden(tolerance=tolerance, batch=2, records=records)


def test_a_package_that_is_as_it_was_made_proves_itself(package: Package) -> None:
    proof = prove(Predictor(package))
    assert proof is not None
    assert (proof.records, proof.tolerance) == (len(TEXTS), FLOAT_TOLERANCE)
    assert proof.largest <= 1e-6


def test_one_flipped_bit_that_passes_its_digest_is_found_and_named(package: Package) -> None:
    broken = flip_a_bit(package)
    assert load_package(broken.folder) == broken  # its digests and its seal are right
    with pytest.raises(GoldenError) as error:
        prove(Predictor(broken))
    golden = read_golden(package.path("golden.json"))
    assert error.value.file.endswith("tiny-sentiment/1/golden.json")
    assert "expected {" in str(error.value)
    assert "found {" in str(error.value)
    assert any(json.dumps(each.record) in str(error.value) for each in golden.records)
    assert "the record is" not in error.value.brief


def test_a_package_of_an_earlier_build_has_nothing_to_prove(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "1")
    assert prove(Predictor(package)) is None
    with pytest.raises(
        PackageError, match=r"golden\.json: is missing, and `gates\.golden` in slipway\.yaml requires it"
    ):
        prove(Predictor(package), required=True)


def test_the_file_holds_the_records_and_what_was_measured(package: Package) -> None:
    document = json.loads(package.path("golden.json").read_text(encoding="utf-8"))
    assert document["format"] == 1
    assert document["tolerance"] == FLOAT_TOLERANCE
    assert set(document["measured"]) == {"alone", "unoptimized"}
    assert sorted(each["record"]["text"] for each in document["records"]) == sorted(each["text"] for each in TEXTS)
    assert read_golden(package.path("golden.json")).model_dump(mode="json") == document


@pytest.mark.parametrize(
    ("change", "message"),
    [({"tolerance": 0}, "tolerance"), ({"records": []}, "records"), ({"format": 2}, "format"), ({"x": 1}, "x")],
)
def test_a_malformed_file_is_named(package: Package, change: dict[str, Any], message: str) -> None:
    path = package.path("golden.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}), encoding="utf-8")
    with pytest.raises(PackageError, match=rf"golden\.json: {message}"):
        prove(Predictor(seal_again(package)))


def test_records_that_the_package_cannot_predict_are_a_failed_proof(package: Package) -> None:
    path = package.path("golden.json")
    path.write_text(path.read_text().replace('"text"', '"words"'), encoding="utf-8")
    with pytest.raises(GoldenError, match="cannot be predicted"):
        prove(Predictor(seal_again(package)))


def test_the_record_that_differs_most_is_named() -> None:
    golden = _golden(*(({"x": number}, {"value": 10.0}) for number in range(3)))
    with pytest.raises(
        GoldenError, match=r"record 2 of 3 differs by 0\.5, and 0\.0001 is allowed \(2 differ\)"
    ) as error:
        compare("golden.json", golden, [{"value": 10.0}, {"value": 15.0}, {"value": 9.0}])
    assert 'the record is {"x": 1}' in str(error.value)


def test_a_larger_tolerance_of_the_device_applies() -> None:
    golden = _golden(({"x": 1}, {"scores": {"a": 0.5, "b": 0.5}}))
    found = [{"scores": {"a": 0.505, "b": 0.495}}]
    with pytest.raises(GoldenError):
        compare("golden.json", golden, found)
    assert compare("golden.json", golden, found, least=0.01).tolerance == 0.01


@pytest.mark.parametrize(
    ("expected", "found", "distance"),
    [
        ({"label": "a", "score": 0.51, "scores": {"a": 0.51, "b": 0.49}},) * 2 + (0.0,),
        (
            {"label": "a", "score": 0.51, "scores": {"a": 0.51, "b": 0.49}},
            {"label": "b", "score": 0.52, "scores": {"a": 0.48, "b": 0.52}},
            0.03,
        ),
        ({"scores": {"a": 1.0}}, {"scores": {"b": 1.0}}, float("inf")),
        ({"value": 2e-6}, {"value": 1e-6}, 0.5),
        ({"value": 0.0}, {"value": 0.25}, 0.25),
        ({"values": {"x": 100.0, "y": 1.0}}, {"values": {"x": 100.0, "y": 1.5}}, 0.5),
        ({"value": 1.0}, {"value": float("nan")}, float("inf")),
        ({"value": 1.0}, {"values": {"x": 1.0}}, float("inf")),
        ({"words": ["a", "b"], "n": 200.0}, {"words": ["a", "b"], "n": 201.0}, 0.005),
        ({"words": ["a", "b"]}, {"words": ["a"]}, float("inf")),
        ({"words": ["a", "b"]}, {"words": ["a", "c"]}, float("inf")),
    ],
)
def test_distances(expected: dict[str, Any], found: dict[str, Any], distance: float) -> None:
    assert distances([expected], [found]) == [pytest.approx(distance)]


def test_values_are_relative_to_the_largest_of_their_target() -> None:
    assert distances([{"value": 1000.0}, {"value": 1.0}], [{"value": 1000.0}, {"value": 2.0}]) == [0.0, 0.001]


def test_chosen_records_show_every_label_and_the_ends_of_its_scores() -> None:
    outputs = [{"label": "rare" if i == 777 else "usual", "score": i / 1000, "scores": {}} for i in range(1000)]
    chosen = [record["i"] for record in choose_records([{"i": i} for i in range(1000)], outputs)]
    assert len(chosen) == len(set(chosen)) == 32
    assert {0, 777, 999} <= set(chosen)


@pytest.mark.parametrize(
    "make", [make_tabular_package, make_regression_package, make_labels_package, make_values_package]
)
def test_every_form_of_answer_proves_itself(tmp_path: Path, make: Any) -> None:
    package = make(tmp_path / "p" / "1")
    names = [field.name for field in package.manifest.inputs]
    random = np.random.default_rng(4)
    if package.manifest.tokenizer:
        records = TEXTS
    else:
        records = [dict(zip(names, map(int, random.integers(1, 9, len(names))), strict=True)) for _ in range(40)]
    proof = prove(Predictor(with_golden(package, records)))
    assert proof is not None
    assert proof.records == min(len(records), 32)


def test_a_task_that_never_answers_the_same_gets_no_golden_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moody.py").write_text(
        "from itertools import count\n"
        "from slipway.models.prediction.tasks import TabularRegression\n"
        "numbers = count()\n"
        "class Moody(TabularRegression):\n"
        "    def decode(self, tensors):\n"
        "        return [{'mood': str(next(numbers))} for _ in tensors[0]]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    package = make_regression_package(tmp_path / "p" / "1", task="moody:Moody")
    assert make_golden(package, [{"rooms": 1.0, "area": 2.0}], task_modules=("moody",)) is None
