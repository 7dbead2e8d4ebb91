"""scikit-learn estimators and pipelines become packages with the same outputs."""

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import CheckFailedError, ConflictError, InputError
from slipway.models.importing.packaging import put_in_place
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor


def test_a_pipeline_with_string_columns(run: Any, estimators: str, customers: Path) -> None:
    made = run(sklearn="estimators:columns", records=customers)

    manifest = load_package(made.package.folder).manifest
    assert manifest.task == "tabular-classification"
    assert [(field.name, str(field.type)) for field in manifest.inputs] == [
        ("age_years", "integer"),
        ("plan", "string"),
        ("spend", "float"),
    ]
    assert manifest.inputs[1].allowed == ("basic", "free", "pro")
    assert manifest.outputs.labels == ("leaves", "stays")
    assert made.difference < 1e-5
    assert made.records == 240
    quality = {entry.metric: entry.value for entry in manifest.quality}
    assert quality["accuracy"] > 0.95
    assert set(quality) == {"macro_recall", "accuracy", "log_loss", "largest_difference"}
    assert manifest.training.parameters["checked_on"]["rows"] == 240
    record = {"age_years": 30, "plan": "pro", "spend": 200.0}
    assert Predictor(made.package).predict([record])[0]["label"] == "stays"


def test_a_card_and_a_baseline_are_in_the_package(run: Any, estimators: str, customers: Path, tmp_path: Path) -> None:
    about = tmp_path / "about.md"
    about.write_text("For tests only; Apache-2.0.\n")

    package = run(sklearn="estimators:columns", records=customers, about=about).package

    card = (package.folder / "README.md").read_text()
    assert "For tests only; Apache-2.0." in card
    assert "Pipeline (ColumnTransformer, LogisticRegression)" in card
    assert package.baseline.records == 240
    assert set(package.baseline.inputs) == {"age_years", "plan", "spend"}


def test_columns_by_position_and_an_encoder_that_takes_anything(run: Any, estimators: str, tmp_path: Path) -> None:
    path = tmp_path / "three.csv"
    rows = ["Age (years),plan,spend", "30,basic,10.5", "40,free,200.0", "50,pro,99.0", "60,pro,12.0"]
    path.write_text("\n".join(rows))

    manifest = run(sklearn="estimators:lenient_columns", records=path).package.manifest

    assert manifest.inputs[1].allowed is None
    assert len(manifest.graph.inputs) == 3


def test_labels_can_be_renamed(run: Any, estimators: str, numbers: Path, tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("age,spend,class\n30,10,0\n40,300,1\n50,280,stays\n")

    manifest = run(
        sklearn="estimators:scaled", records=path, labels=("leaves", "stays"), label_column="class"
    ).package.manifest

    assert manifest.outputs.labels == ("leaves", "stays")
    assert {entry.metric: entry.value for entry in manifest.quality}["accuracy"] == 1
    assert manifest.graph.inputs == ("features",)


@pytest.mark.parametrize("entry", ["boosted", "forest"])
def test_regressors_of_trees(run: Any, estimators: str, numbers: Path, entry: str) -> None:
    made = run(sklearn=f"estimators:{entry}", records=numbers, label_column="value", unit="euro")

    manifest = made.package.manifest
    assert (manifest.task, manifest.outputs.unit) == ("tabular-regression", "euro")
    assert {entry.metric: entry.value for entry in manifest.quality}["r2"] > 0.9
    assert made.difference < 1e-5


def test_histogram_trees_of_three_classes(run: Any, estimators: str, tmp_path: Path) -> None:
    path = tmp_path / "spread.csv"
    path.write_text("age,spend\n30,10\n40,300\n50,100\n20,95\n70,70\n")

    made = run(sklearn="estimators:histogram", records=path)

    assert made.package.manifest.outputs.labels == ("0", "1", "2")
    assert [entry.metric for entry in made.package.manifest.quality] == ["largest_difference"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("estimators:without_probabilities", "CalibratedClassifierCV"),
        ("estimators:unfitted", "not fitted"),
        ("estimators:texts", "TfidfVectorizer needs a locale"),
        ("estimators:no_model", "returned a dict"),
        ("estimators:answer", "no function answer"),
        ("nowhere:fitted", "module nowhere is neither in this folder nor installed"),
        ("model.pkl", "is not module:function"),
    ],
)
def test_what_cannot_be_imported_is_said(run: Any, estimators: str, customers: Path, entry: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(sklearn=entry, records=customers)


def test_over_the_tolerance_nothing_is_left(run: Any, estimators: str, customers: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match="differs from the original by up to"):
        run(sklearn="estimators:columns", records=customers, tolerance=1e-12)

    assert not (tmp_path / "models").exists()


def test_versions_follow_each_other_and_never_change(
    run: Any, estimators: str, customers: Path, tmp_path: Path
) -> None:
    first = run(sklearn="estimators:columns", records=customers).package
    second = run(sklearn="estimators:columns", records=customers).package

    assert [first.folder.name, second.folder.name] == ["1", "2"]
    assert second.manifest.version == 2
    assert sorted(path.name for path in (tmp_path / "models" / "example").iterdir()) == ["1", "2"]
    with pytest.raises(InputError, match="versions never change"):
        run(sklearn="estimators:columns", records=customers, version=1)


def test_labels_that_the_model_does_not_have_are_named(run: Any, estimators: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("age,spend,label\n30,10,maybe\n")

    with pytest.raises(InputError, match="label has maybe, but the model's labels are 0, 1"):
        run(sklearn="estimators:scaled", records=path)


def test_records_that_the_model_fails_on_are_refused(run: Any, estimators: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("Age (years),plan,spend\n30,gold,10\n")

    with pytest.raises(CheckFailedError, match="unknown categories"):
        run(sklearn="estimators:columns", records=path)


def test_the_users_word_on_inputs_counts(run: Any, estimators: str, customers: Path, tmp_path: Path) -> None:
    said = tmp_path / "inputs.yaml"
    said.write_text(
        "- {name: spend, group: customer, min: 0, max: 5000, description: Euros a month}\n"
        "- {name: age_years, type: float}\n"
    )

    inputs = run(sklearn="estimators:columns", records=customers, inputs=said).package.manifest.inputs

    assert (inputs[2].group, inputs[2].max, inputs[2].description) == ("customer", 5000, "Euros a month")
    assert str(inputs[0].type) == "float"


def test_a_version_that_another_import_has_taken_stays(tmp_path: Path) -> None:
    draft, taken = tmp_path / ".1.draft", tmp_path / "1"
    for folder in (draft, taken):
        folder.mkdir()
        (folder / "whose").write_text(folder.name)

    with pytest.raises(ConflictError, match="versions never change"):
        put_in_place(draft, taken)
    assert (taken / "whose").read_text() == "1"
