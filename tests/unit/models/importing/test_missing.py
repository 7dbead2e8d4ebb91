"""Imports find out which inputs may be missing, and the package predicts for them what the original does."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import missing_estimators

from slipway.errors import InputError
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

GONE = {"city": None, "income": None}
RECORDS = [{"city": "Ulm", "income": 40.0, "age": 30.0}, {"city": "Bern", "income": 70.0, "age": 50.0}]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Sample records without a missing value."""
    path = tmp_path / "whole.csv"
    missing_estimators.table().dropna().to_csv(path, index=False)
    return path


@pytest.fixture
def gaps(tmp_path: Path) -> Path:
    """Sample records of which some lack values."""
    path = tmp_path / "gaps.jsonl"
    missing_estimators.table().to_json(path, orient="records", lines=True)
    return path


def nullable(package: Any) -> set[str]:
    return {field.name for field in package.manifest.inputs if field.nullable}


def original(model: Any, records: list[dict[str, Any]]) -> Any:
    frame = pd.concat([pd.DataFrame(RECORDS), pd.DataFrame(records)])  # whole rows keep the columns' types
    return model.predict_proba(frame[list(model.feature_names_in_)])[len(RECORDS) :]


def ours(package: Any, records: list[dict[str, Any]]) -> Any:
    return np.array([list(output["scores"].values()) for output in Predictor(package).predict(records)])


@pytest.mark.parametrize("entry", ["filled", "frequent", "own_category", "ordinal", "ordinal_number"])
@pytest.mark.parametrize("samples", ["whole", "gaps"])
def test_categories_and_numbers_may_be_missing(
    run: Any, entry: str, samples: str, request: pytest.FixtureRequest
) -> None:
    package = run(sklearn=f"support.missing_estimators:{entry}", records=request.getfixturevalue(samples)).package

    assert nullable(package) >= {"city", "income"}
    lacking = [{**record, **gone} for record in RECORDS for gone in (GONE, {"city": None}, {"income": None}, {})]
    expected = original(getattr(missing_estimators, entry)(), lacking)
    assert np.abs(ours(load_package(package.folder), lacking) - expected).max() < 1e-4
    assert "may be missing" in (package.folder / "README.md").read_text()


def test_a_column_that_the_model_does_not_impute_is_required(run: Any, gaps: Path, tmp_path: Path) -> None:
    assert "age" not in nullable(run(sklearn="support.missing_estimators:filled", records=gaps).package)
    path = tmp_path / "no-age.csv"
    path.write_text("city,income,age,label\nUlm,20,30,yes\nBern,30,,no\n")
    with pytest.raises(InputError, match=r"record 2: age is missing, and the model takes no missing value there"):
        run(sklearn="support.missing_estimators:filled", records=path)


def test_the_baseline_counts_what_the_samples_lack(run: Any, gaps: Path) -> None:
    baseline = run(sklearn="support.missing_estimators:filled", records=gaps).package.baseline
    assert baseline.inputs["city"].missing == pytest.approx(0.2)
    assert baseline.inputs["income"].missing == pytest.approx(1 / 6, abs=1e-5)
    assert baseline.inputs["age"].missing is None


def test_nan_as_pandas_prints_it_does_not_make_a_column_text(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "printed.csv"
    path.write_text("income,age,label\n1200,12,yes\nnan,48,no\n2320,24,no\n")
    package = run(sklearn="support.missing_estimators:boosted", records=path).package
    assert [str(field.type) for field in package.manifest.inputs] == ["integer", "integer"]
    assert nullable(package) == {"income", "age"}


def test_the_user_may_say_that_an_input_is_required(run: Any, whole: Path, tmp_path: Path) -> None:
    stated = tmp_path / "inputs.yaml"
    stated.write_text("- {name: age, nullable: false}\n")
    package = run(sklearn="support.missing_estimators:boosted", records=whole, inputs=stated).package
    assert nullable(package) == {"income"}


@pytest.mark.parametrize(("entry", "expected"), [("boosted", {"income", "age"}), ("linear", set())])
def test_onnx_files_are_tried(run: Any, whole: Path, tmp_path: Path, entry: str, expected: set[str]) -> None:
    first = run(sklearn=f"support.missing_estimators:{entry}", records=whole, name="first").package
    rows = tmp_path / "rows.csv"
    missing_estimators.table().dropna()[["income", "age", "label"]].to_csv(rows, index=False)

    made = run(onnx=first.folder / "model.onnx", records=rows, labels=("no", "yes"), answers="probabilities")

    assert nullable(made.package) == expected


def test_columns_can_be_renamed(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    table = missing_estimators.table().dropna().rename(columns={"city": "都市"})
    table.to_csv(path, index=False)
    with pytest.raises(InputError, match="--rename '都市=age'"):
        run(sklearn="support.missing_estimators:japanese", records=path)
    package = run(sklearn="support.missing_estimators:japanese", records=path, rename={"都市": "city"}).package
    assert [field.name for field in package.manifest.inputs] == ["city", "income", "age"]
    assert Predictor(package).predict(RECORDS)[0]["label"] in ("yes", "no")
    with pytest.raises(InputError, match="town are not columns of the model"):
        run(sklearn="support.missing_estimators:japanese", records=path, rename={"都市": "city", "town": "x"})
