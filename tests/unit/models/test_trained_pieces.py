"""What training saw of a text input comes from a file of its texts, and stays when a package is measured anew."""

from pathlib import Path

import numpy as np
import pytest
from support.packages import make_text_package
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import InputError
from slipway.models.measurements.baseline import Text
from slipway.models.measurements.pieces import SeenPieces, hashes_of
from slipway.models.measurements.renewal import measure_again
from slipway.models.measurements.trained_pieces import known_pieces, read_trained_pieces
from slipway.models.package import Package, load_package

RECORDS = [{"text": text} for text in ("good day", "awful", "sunny day", "hm")]


def sees(seen: SeenPieces, word: str) -> bool:
    return bool(seen.sees(np.array(hashes_of(word), dtype=np.uint32)).all())


def text_of(package: Package) -> Text:
    summary = package.baseline.inputs["text"]
    assert isinstance(summary, Text)
    return summary


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    (tmp_path / "train.tsv").write_text("label\ttext\npositive\tgood sunny day\nnegative\trainy day\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return make_text_package(tmp_path / "tiny-sentiment" / "1")


def test_texts_of_a_file_are_read_by_the_inputs_name_or_that_of_its_column(package: Package) -> None:
    seen = read_trained_pieces(Path("train.tsv"), package.manifest)
    assert [sees(seen["text"], word) for word in ("good", "rainy", "awful", "positive")] == [True, True, False, False]
    Path("named.csv").write_text("Tweet\ngood\n", "utf-8")
    assert sees(read_trained_pieces(Path("named.csv"), package.manifest, {"Tweet": "text"})["text"], "good")


def test_a_file_without_the_texts_is_refused(package: Package) -> None:
    Path("other.csv").write_text("tweet\ngood\n", "utf-8")
    with pytest.raises(InputError, match=r"--training: other\.csv has no text in any of text"):
        read_trained_pieces(Path("other.csv"), package.manifest)


def test_a_package_measured_anew_keeps_what_training_saw(package: Package) -> None:
    assert known_pieces(package) == {}  # half of its validation texts stood in for training
    seen = read_trained_pieces(Path("train.tsv"), package.manifest)
    first = measure_again(package, RECORDS, seen=seen)
    unseen = text_of(first).unseen
    assert unseen is not None
    assert (unseen.count, unseen.mean) == (4, 0.5)
    again = measure_again(first, RECORDS)
    assert text_of(again) == text_of(first)
    assert sees(known_pieces(again)["text"], "rainy")


def test_sealing_takes_the_training_texts(package: Package) -> None:
    Path("val.tsv").write_text("label\ttext\npositive\tgood\nnegative\tawful\n", "utf-8")
    command = ["model", "seal", str(package.folder), "--training", "train.tsv"]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, InputError)
    assert "--training: needs --records" in str(refused.exception)
    done = CliRunner().invoke(app, [*command, "--records", "val.tsv"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    pieces = text_of(load_package(package.folder)).pieces
    assert pieces is not None
    assert pieces.seen_by == "training"
