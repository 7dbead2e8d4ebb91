"""A tiny training on invented tweets, from files to a package that the predictor serves."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from tokenizers import Tokenizer

from recipes.graphs import run_graph
from recipes.tweet_sentiment import pad, predict, train_version
from recipes.tweets.data import read_tweets, unseen
from recipes.tweets.ngram_graph import ngram_graph, quantize
from recipes.tweets.ngrams import Recipe, Tables, best_offsets, macro_recall, spelling, train
from recipes.tweets.tokens import encode
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

ROOT = Path(__file__).parents[3]
RECIPE = Recipe(vocabulary=120, buckets=1009, characters=(2, 4), inverse_regularization=1.0, offsets=0.5)
WORDS = {
    "positive": ["lovely", "sunny", "brilliant"],
    "neutral": ["ordinary", "printed", "scheduled"],
    "negative": ["dreadful", "broken", "gloomy"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same invented sentences under two years, as train.tsv and val.tsv."""
    path = tmp_path_factory.mktemp("data")
    things = ["morning", "train ride", "new phone", "match"]
    rows = [
        f"{year}\t{label}\tthe {thing} was {word} and {other}!"
        for year, label, thing in itertools.product((2015, 2016), WORDS, things)
        for word, other in itertools.permutations(WORDS[label], 2)
    ]
    for name, lines in {"train.tsv": rows, "val.tsv": [f"{row} Indeed." for row in rows]}.items():
        (path / name).write_text("\n".join(["year\tlabel\ttext", *lines]) + "\n", encoding="utf-8")
    return path


def trained(data: Path, folder: Path) -> Path:
    train_version(folder, 1, RECIPE, read_tweets(data / "train.tsv"), read_tweets(data / "val.tsv"))
    return folder


@pytest.fixture(scope="module")
def package(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(data, tmp_path_factory.mktemp("once") / "1")


def test_training_again_gives_the_same_bytes(data: Path, package: Path, tmp_path: Path) -> None:
    again = trained(data, tmp_path / "1")
    names = {path.name for path in package.iterdir()}
    measured = {"baseline.json", "calibration.json", "golden.json"}
    assert names == {"model.yaml", "model.onnx", "tokenizer.json", "README.md"} | measured
    assert all((again / name).read_bytes() == (package / name).read_bytes() for name in names)


def test_the_predictor_serves_what_training_measured(package: Path) -> None:
    predictor = Predictor(load_package(package))
    outputs = predictor.predict([{"text": "What a LOVELY, sunny day"}, {"text": "gloomy and broken"}, {"text": ""}])
    assert [output["label"] for output in outputs[:2]] == ["positive", "negative"]
    assert {measured.metric: measured.value for measured in predictor.manifest.quality}["macro recall"] == 1.0


def test_the_graph_agrees_with_the_tables_it_was_made_of(data: Path) -> None:
    tweets = read_tweets(data / "train.tsv").tweets
    tokenizer, tables = train(RECIPE, tweets)
    logits = tables.logits(encode(tokenizer, tweets.texts))
    exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(predict(ngram_graph("tiny", tables), tokenizer, tweets.texts) - exact).max() < 0.01


@pytest.mark.parametrize("version", [1, 2])
def test_a_batch_predicts_what_its_texts_predict_alone(version: int) -> None:
    folder = ROOT / "models" / "tweet-sentiment" / str(version)
    graph = onnx.load(folder / "model.onnx")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [" ".join(["so good"] * (index % 7) + ["but then it rained :("] * (index % 5)) for index in range(32)]
    tokens = encode(tokenizer, texts)
    alone = np.vstack([run_graph(graph, {"input_ids": pad([ids])}) for ids in tokens])
    assert np.abs(run_graph(graph, {"input_ids": pad(tokens)}) - alone).max() <= 1e-6


@pytest.mark.parametrize("version", [1, 2])
def test_a_shipped_version_knows_what_is_obvious_and_is_small(version: int) -> None:
    folder = ROOT / "models" / "tweet-sentiment" / str(version)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4 * 1024 * 1024
    texts = ["I love this, best day ever :)", "The meeting is on Tuesday at 10", "worst service ever, I hate this"]
    outputs = Predictor(load_package(folder)).predict([{"text": text} for text in texts])
    assert [output["label"] for output in outputs] == ["positive", "neutral", "negative"]


def test_padding_and_the_empty_text_add_nothing() -> None:
    generator = np.random.default_rng(7)
    tables = Tables(generator.normal(size=(50, 3)), generator.normal(size=(101, 3)), np.zeros(3))
    graph = ngram_graph("random", tables)
    short = run_graph(graph, {"input_ids": pad([[2, 9]])})
    padded = run_graph(graph, {"input_ids": pad([[2, 9], [2, *range(3, 40)]])})
    np.testing.assert_array_equal(padded[0], short[0])


def test_quantizing_errs_by_half_a_step_at_most() -> None:
    table = np.random.default_rng(7).normal(size=(200, 3))
    quantized = quantize(table)
    assert quantized.rows.dtype == np.int8
    assert (np.abs(quantized.rows * quantized.scale - table) <= quantized.scale / 2 + 1e-6).all()


def test_spelling_marks_where_words_begin_and_pieces_end() -> None:
    shared = spelling(["[CLS]", "no", "##no", "not"], (2, 2)).toarray()
    assert shared.sum(axis=1).tolist() == [0, 3, 2, 4]  # <n no o> | no o> | <n no ot t>


def test_offsets_find_a_label_that_the_bias_hides() -> None:
    labels = np.array([0, 1, 2] * 20)
    logits = np.eye(3)[labels] * 0.3 + np.array([0, 0.5, 0])
    assert macro_recall(logits.argmax(axis=1), labels) == pytest.approx(1 / 3)
    assert macro_recall((logits + best_offsets(logits, labels)).argmax(axis=1), labels) == 1.0


def test_rows_that_training_has_too_are_not_validated_on(data: Path) -> None:
    tweets = read_tweets(data / "train.tsv").tweets
    shouted = replace(tweets, texts=[f"{text.upper()}!!" for text in tweets.texts])
    assert len(unseen(shouted, tweets)) == 0
    assert len(unseen(read_tweets(data / "val.tsv").tweets, tweets)) == len(tweets)


def test_a_graph_without_bigrams_has_one_table(data: Path) -> None:
    tweets = read_tweets(data / "train.tsv").tweets
    tokenizer, tables = train(replace(RECIPE, buckets=0), tweets)
    graph = ngram_graph("tiny", tables)
    assert "bigrams" not in {constant.name for constant in graph.graph.initializer}
    predicted = predict(graph, tokenizer, tweets.texts).argmax(axis=1)
    assert macro_recall(predicted, tweets.labels) == 1.0


def test_a_file_without_the_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("label\ttext\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="year, label and text"):
        read_tweets(path)
