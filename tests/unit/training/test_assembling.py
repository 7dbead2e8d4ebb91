"""A data set: each prediction once, in the order of time, split in time, and the same bytes for the same examples."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.training import START, points, workplace

from slipway.errors import InputError
from slipway.models.manifest import Manifest
from slipway.training.assembling import arrange, split_in_time, write_data_set
from slipway.training.dataset import open_data_set


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    place = workplace(tmp_path_factory.mktemp("assembling"), "assembling_recipe", [])
    return place.versions.package("points", 1).manifest


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_whatever_is_kept_for_validation_is_newer_than_all_that_is_trained_on(minutes: list[int], share: float) -> None:
    times = sorted(START + timedelta(minutes=minute) for minute in minutes)
    train = split_in_time(times, share)
    assert 0 <= train < len(times)
    assert len(times) - train >= share * len(times) - 1e-9
    if train:
        assert times[train - 1] < times[train]


def test_repeated_and_unknown_ones_are_left_out_and_the_order_of_arrival_means_nothing(manifest: Manifest) -> None:
    examples = points(100)
    shuffled = [*examples, *examples[:30], replace(examples[0], id="odd", true="upwards")]
    random.Random(3).shuffle(shuffled)  # noqa: S311
    assembled = arrange(shuffled, manifest, 0.2)
    assert assembled.examples == examples
    assert (assembled.train, assembled.unknown) == (80, 1)


def test_the_same_examples_are_the_same_file(manifest: Manifest, tmp_path: Path) -> None:
    examples = points(100)
    one = write_data_set(arrange(examples, manifest, 0.2), manifest, tmp_path / "one")
    other = write_data_set(arrange(reversed(examples), manifest, 0.2), manifest, tmp_path / "other")
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.path.name == f"{one.sha256}.parquet" == other.path.name
    changed = write_data_set(arrange(examples[1:], manifest, 0.2), manifest, tmp_path / "one")
    assert changed.sha256 != one.sha256


def test_a_data_set_knows_its_rows_its_times_and_its_weights(manifest: Manifest, tmp_path: Path) -> None:
    examples = [replace(each, weight=4.0 if at % 10 == 0 else 1.0) for at, each in enumerate(points(50))]
    data = write_data_set(arrange(examples, manifest, 0.2), manifest, tmp_path)
    assert (data.rows, data.train_rows, data.validation_rows) == (50, 40, 10)
    assert (data.since, data.split_at, data.until) == (examples[0].time, examples[40].time, examples[-1].time)
    table = data.table()
    assert table.column_names == ["_id", "_time", "x", "y", "label", "_weight"]
    assert table["_weight"].to_pylist() == [each.weight for each in examples]
    assert data.train()["_id"].to_pylist() + data.validation()["_id"].to_pylist() == [each.id for each in examples]
    assert data.ids == {each.id for each in examples}
    assert open_data_set(data.path) == data


def test_another_file_is_no_data_set(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": [1.0]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="no column _id, _time, _weight, _split"):
        open_data_set(tmp_path / "x.parquet")
