"""The callable for other engines: the same answers from pandas, Arrow and plain columns."""

import pickle
from pathlib import Path

import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.nullable import INPUTS, make_nullable_package, nullable_graph
from support.packages import make_regression_package, make_tabular_package
from support.several import make_labels_package, make_values_package

from slipway import load
from slipway.batch import scorer
from slipway.errors import InputError, PackageError

FRAME = pd.DataFrame({"rooms": [1.0, 2.0, 3.0], "area": [10, 20, 30], "city": ["Oslo", "Bonn", None]}, index=[7, 3, 5])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return make_regression_package(tmp_path / "m").folder


def test_a_frame_gets_the_answers_beside_its_columns(package: Path) -> None:
    scored = scorer(package)(FRAME)
    assert list(scored.columns) == ["rooms", "area", "city", "prediction_version", "prediction_value"]
    assert scored["prediction_value"].to_dict() == {7: 11.0, 3: 22.0, 5: 33.0}
    pd.testing.assert_frame_equal(scored[list(FRAME.columns)], FRAME)


def test_arrow_and_plain_columns_get_the_same(package: Path) -> None:
    score, expected = scorer(package), [11.0, 22.0, 33.0]
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    for each in (table, chunked):
        scored = score(each)
        assert isinstance(scored, pa.Table)
        assert scored["prediction_value"].to_pylist() == expected
    batch = score(table.combine_chunks().to_batches()[0])
    assert isinstance(batch, pa.RecordBatch)
    columns = score({"rooms": np.array([1.0, 2.0, 3.0]), "area": np.array([10, 20, 30])})
    assert columns["prediction_value"].tolist() == batch.column("prediction_value").to_pylist() == expected
    assert list(columns) == ["rooms", "area", "prediction_version", "prediction_value"]


def test_nothing_tells_the_columns_of_the_result(package: Path) -> None:
    score = scorer(package)
    full, empty = score(FRAME), score(FRAME.iloc[:0])
    assert list(empty.columns) == list(full.columns)
    assert empty["prediction_value"].dtype == full["prediction_value"].dtype
    assert score(pa.table({"rooms": pa.array([], pa.float64()), "area": pa.array([], pa.float64())})).num_rows == 0


def test_scores_and_targets_are_columns_of_their_own(tmp_path: Path) -> None:
    for make, names in (
        (make_labels_package, ["labels", "scores_billing", "scores_urgent", "scores_spam mail"]),
        (make_values_package, ["values_width", "values_height (cm)"]),
    ):
        folder = make(tmp_path / make.__name__).folder
        model = load(folder)
        frame = pd.DataFrame({field.name: [1.0, 2.0] for field in model.inputs})
        added = list(scorer(folder)(frame).columns)[len(frame.columns) + 1 :]
        assert added == [f"prediction_{name}" for name in names]


def test_labels_are_those_of_the_application(tmp_path: Path) -> None:
    model = load(make_tabular_package(tmp_path / "m").folder)
    frame = pd.DataFrame({"radius": [1.0, 9.0], "smooth": [0.5, np.nan], "age": [2, 30]})
    scored = scorer(tmp_path / "m", wrong="null")(frame)
    [answer] = model.predict([{"radius": 1.0, "smooth": 0.5, "age": 2}])
    assert scored["prediction_label"].iloc[0] == answer["label"]
    assert scored["prediction_scores_yes"].iloc[0] == answer["scores"]["yes"]


def test_a_wrong_row_is_named_or_null(package: Path) -> None:
    frame = FRAME.assign(rooms=[1.0, np.nan, 3.0])
    with pytest.raises(InputError, match=r"row 1, rooms: "):
        scorer(package)(frame)
    scored = scorer(package, wrong="null")(frame)
    assert scored["prediction_value"].tolist()[::2] == [11.0, 33.0]
    assert scored["prediction_value"].isna().tolist() == [False, True, False]
    assert pd.isna(scored["prediction_error"].iloc[0])
    assert scored["prediction_error"].iloc[1].startswith("rooms: ")


def test_missing_values_of_a_frame_are_missing(tmp_path: Path) -> None:
    folder = make_nullable_package(tmp_path / "m", nullable_graph(), INPUTS).folder
    frame = pd.DataFrame({
        "wind": [1.0, np.nan],
        "seats": pd.array([None, 3], dtype="Int64"),
        "carrier": pd.Categorical(["AA", None], categories=["AA", "UA"]),
        "distance": [1.0, 2.0],
    })  # fmt: skip
    assert scorer(folder)(frame)["prediction_value"].tolist() == [1.0, 2.0]


def test_it_can_be_carried_to_another_process(package: Path) -> None:
    score = scorer(package)
    score(FRAME)
    again = pickle.loads(pickle.dumps(score))  # noqa: S301 - ours
    assert again(FRAME)["prediction_value"].tolist() == [11.0, 22.0, 33.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": 0}, "threads: must be at least 1"),
        ({"batch_size": 0}, "batch_size: must be at least 1"),
        ({"wrong": "skip"}, "wrong: must be 'raise' or 'null'"),
    ],
)
def test_wrong_options_are_named(package: Path, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        scorer(package, **options)


def test_what_is_no_table_is_named(package: Path) -> None:
    score = scorer(package)
    with pytest.raises(InputError, match=r"must be a pandas DataFrame, .*got list"):
        score([1, 2])
    with pytest.raises(InputError, match="city: is no column of one type"):
        score(FRAME.assign(city=[1, "two", b"3"]))
    with pytest.raises(InputError, match="has the column prediction_value, which the result gets"):
        score(FRAME.assign(prediction_value=1.0))


def test_a_package_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"model\.yaml"):
        scorer(tmp_path)


def test_dask_scores_partitions(package: Path) -> None:
    frame = pd.concat([FRAME] * 4, ignore_index=True)
    scored = dask.dataframe.from_pandas(frame, npartitions=3).map_partitions(scorer(package))
    assert list(scored.columns) == ["rooms", "area", "city", "prediction_version", "prediction_value"]
    assert scored.compute(scheduler="synchronous")["prediction_value"].tolist() == [11.0, 22.0, 33.0] * 4
