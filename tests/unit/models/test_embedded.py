import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.packages import make_tabular_package, make_text_package

import slipway
from slipway import InputError, PackageError
from slipway.models.manifest import Record
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

TEXTS = ["good", "bad", "hm", "sunny and good"]


@pytest.fixture
def model(text_package: Package) -> slipway.Model:
    return slipway.load(text_package.folder)


def test_outputs_are_the_predictors(text_package: Package, model: slipway.Model) -> None:
    records = [{"text": text} for text in TEXTS]
    assert model.predict(records) == Predictor(text_package).predict(records)
    assert model.predict([]) == []


def test_what_was_loaded(text_package: Package, model: slipway.Model) -> None:
    assert (model.name, model.version) == ("tiny-sentiment", 1)
    assert model.manifest == text_package.manifest
    assert [field.name for field in model.inputs] == ["text"]
    assert model.schema["properties"]["text"]["maxLength"] == 280
    assert model.schema["required"] == ["text"]
    assert repr(model) == "<Model tiny-sentiment 1>"


def test_the_path_may_be_a_string(text_package: Package) -> None:
    assert slipway.load(str(text_package.folder), threads=2).predict([{"text": "good"}])[0]["label"] == "positive"


def test_inputs_of_feature_groups_are_given_and_defaults_are_not_needed(tabular_package: Package) -> None:
    model = slipway.load(tabular_package.folder)
    assert model.schema["required"] == ["radius", "age"]
    assert [output["label"] for output in model.predict([{"radius": 9.6, "age": 1}, {"radius": 8.0, "age": 1}])] == [
        "yes",
        "no",
    ]
    with pytest.raises(InputError, match=r"\[0\].radius: is required"):
        model.predict([{"age": 1}])


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{"text": "good"}, {"text": 5}], r"^\[1\].text: must be a string \(got 5\)$"),
        ([{"text": "good", "txt": "x"}], r"^\[0\].txt: is not a known field$"),
        ([{}, "good"], r"^\[0\].text: is required; \[1\]: must be an object \(got \"good\"\)$"),
        ([{"text": "x" * 281}], r"^\[0\].text: must have at most 280 characters$"),
        ({"text": "good"}, r"must be a list of records; for one record, predict\(\[record\]\)\[0\]"),
        ("good", r"must be a list of records \(got str\)"),
        (None, r"must be a list of records \(got NoneType\)"),
    ],
)
def test_wrong_records_are_named(model: slipway.Model, records: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.predict(records)


def test_without_a_limit_in_the_manifest_texts_have_none(tmp_path: Path) -> None:
    package = make_text_package(tmp_path / "1", inputs=[{"name": "text", "type": "string"}])
    assert slipway.load(package.folder).predict([{"text": "good " * 10_000}])[0]["label"] == "positive"


class Counted:
    """An endless stream of one record, which knows how many of it were read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[Record]:
        while True:
            self.read += 1
            yield {"text": "good"}


def test_a_stream_is_read_a_batch_at_a_time(model: slipway.Model) -> None:
    records = Counted()
    outputs = model.predict_stream(records, batch_size=3)
    assert records.read == 0
    assert [next(outputs)["label"] for _ in range(4)] == ["positive"] * 4
    assert records.read == 6


def test_a_stream_gives_every_output_in_order(model: slipway.Model) -> None:
    records = [{"text": text} for text in TEXTS * 5]
    assert list(model.predict_stream(iter(records), batch_size=8)) == model.predict(records)
    assert list(model.predict_stream([])) == []


def test_a_stream_counts_from_its_start(model: slipway.Model) -> None:
    records: Iterable[Any] = [{"text": "good"}] * 5 + [{"text": None}]
    outputs = model.predict_stream(records, batch_size=4)
    assert [next(outputs)["label"] for _ in range(4)] == ["positive"] * 4
    with pytest.raises(InputError, match=r"^\[5\].text: must be a string"):
        next(outputs)


def test_a_stream_refuses_at_once(model: slipway.Model) -> None:
    with pytest.raises(InputError, match=r"batch_size: must be at least 1 \(got 0\)"):
        model.predict_stream([], batch_size=0)
    with pytest.raises(InputError, match="must be a list of records"):
        model.predict_stream({"text": "good"})  # type: ignore[arg-type]


def test_several_threads_may_predict(model: slipway.Model) -> None:
    records = [{"text": text} for text in TEXTS * 50]
    with ThreadPoolExecutor(max_workers=8) as pool:
        outputs = list(pool.map(lambda record: model.predict([record])[0], records))
    assert outputs == model.predict(records)


def test_an_altered_package_is_refused(text_package: Package) -> None:
    tokenizer = text_package.folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8").replace("good", "poor"), encoding="utf-8")
    with pytest.raises(PackageError, match=r"tokenizer.json: was altered"):
        slipway.load(text_package.folder)


def test_no_package(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"model.yaml: is missing"):
        slipway.load(tmp_path / "nowhere")


def test_a_folder_of_versions_is_refused_with_the_versions(text_package: Package) -> None:
    model = text_package.folder.parent
    for version in ("2", "10"):
        shutil.copytree(text_package.folder, model / version)
    with pytest.raises(PackageError, match=r"holds versions \(1, 2, 10\); load one, e.g. .*/10$"):
        slipway.load(model)


def test_threads_are_one_or_more(text_package: Package) -> None:
    with pytest.raises(InputError, match=r"threads: must be at least 1 \(got 0\)"):
        slipway.load(text_package.folder, threads=0)


def test_only_allowed_modules_are_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "embedded_tasks.py").write_text(
        "from slipway.models.prediction.tasks import TabularClassification\nclass Mine(TabularClassification): ...\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    package = make_tabular_package(tmp_path / "1", task="embedded_tasks:Mine")
    record = {"radius": 9.0, "age": 9}

    model = slipway.load(package.folder, task_modules=["embedded_tasks"])

    assert model.predict([record])[0]["label"] == "yes"
    with pytest.raises(PackageError, match=r"`task_modules` of slipway.load, which allows none"):
        slipway.load(package.folder)


def test_only_public_names_are_there() -> None:
    assert set(slipway.__all__) <= set(dir(slipway))
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        slipway.lode  # type: ignore[attr-defined]  # noqa: B018
