"""An exported package answers in Node as it does in Python."""

from pathlib import Path
from typing import cast

import pytest
from support.edge.exports import ROOT, SHIPPED, answers_in_node, assert_equal, export, needs_node, token_ids_in_node
from support.edge.records import RECORDS, edge_records, hostile_texts

from slipway.models.measurements.golden import GOLDEN, read_golden
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import TextClassification

pytestmark = needs_node
TEXT = [path for path in SHIPPED if "tweet" in path]


@pytest.mark.parametrize("path", SHIPPED)
def test_three_hundred_records_have_the_same_answers(path: str, tmp_path: Path) -> None:
    package = load_package(ROOT / path)
    records = edge_records(package)
    predictor = Predictor(package)
    expected = [predictor.predict([record])[0] for record in records]
    found = answers_in_node(export(package, tmp_path / "web"), [[record] for record in records])
    assert len(found) == RECORDS
    assert_equal(read_golden(package.path(GOLDEN)), expected, [each["answers"][0] for each in found])


@pytest.mark.parametrize("path", ["models/tweet-sentiment/3", "models/flight-delay/2"])
def test_a_batch_has_the_same_answers(path: str, tmp_path: Path) -> None:
    package = load_package(ROOT / path)
    records = edge_records(package, 64)
    (found,) = answers_in_node(export(package, tmp_path / "web"), [records])
    assert_equal(read_golden(package.path(GOLDEN)), Predictor(package).predict(records), found["answers"])


@pytest.mark.parametrize("path", TEXT)
def test_texts_that_no_one_tweets_have_the_same_tokens(path: str, tmp_path: Path) -> None:
    package = load_package(ROOT / path)
    (field,) = package.manifest.inputs
    task = cast("TextClassification", Predictor(package).task)
    texts = hostile_texts()
    expected = [task.encode([{field.name: text}])["input_ids"][0].tolist() for text in texts]
    found = token_ids_in_node(export(package, tmp_path / "web"), texts)
    assert [text for text, one, other in zip(texts, expected, found, strict=True) if one != other] == []
