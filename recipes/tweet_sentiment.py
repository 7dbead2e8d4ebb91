"""Train both versions of ``tweet-sentiment`` on tweets that stay outside the repository.

``python -m recipes.tweet_sentiment --data ../shared/data/tweet-sentiment`` writes models/tweet-sentiment/1 and 2.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from recipes.graphs import run_graph, save_graph
from recipes.packaging import Card, with_quantization, write_about, write_package
from recipes.tweets.data import LABELS, TweetFile, Tweets, read_tweets, unseen
from recipes.tweets.golden import validation_of
from recipes.tweets.lessons import Lessons, settings
from recipes.tweets.ngram_graph import ngram_graph
from recipes.tweets.ngrams import Recipe, macro_recall
from recipes.tweets.ngrams import train as train_tables
from recipes.tweets.tokens import encode
from slipway.config.training import Scalar
from slipway.errors import InputError
from slipway.training.dataset import DataSet
from slipway.training.draft import Draft
from slipway.training.memory import remember, with_memory
from slipway.training.recipe import Parent

SPLIT_YEAR = 2016
BATCH = 256
MEMORY = 50_000
"""The texts that a stateful version remembers: about as many as the shipped versions were trained on."""
METHOD = "int8 tables, symmetric, one scale for each column of each table"
EXACT = "Sums are exact integers, so a batch changes nothing."
RECIPES = {
    1: Recipe(vocabulary=8000, buckets=0, characters=None, inverse_regularization=0.3, offsets=0),
    2: Recipe(vocabulary=8000, buckets=262_139, characters=(1, 5), inverse_regularization=0.3, offsets=1),
}


@dataclass(frozen=True)
class Scores:
    """The quality of a graph on some tweets, and the share of labels that differ from its float tables'."""

    recall: float
    accuracy: float
    float_recall: float
    changed: float


def main() -> None:
    """Train on the years before the split to measure, and on everything to ship."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet-sentiment"), help="train.tsv, val.tsv")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the packages")
    options = parser.parse_args()
    files = [read_tweets(options.data / name) for name in ("train.tsv", "val.tsv")]
    with threadpool_limits(1):  # a fixed order of summation, so that the bytes are reproducible
        for version, recipe in RECIPES.items():
            train_version(options.models / "tweet-sentiment" / str(version), version, recipe, *files)


def train(data: DataSet, draft: Draft, parent: Parent | None) -> None:
    """Train again on labelled texts; parameters are those of `Recipe`, by default those of ``version``, 2 unless set.

    With a parent, the texts that it remembers are learned from, too, the older the less: ``half_life_days`` is the age
    at which a text counts half.
    """
    version, recipe, half_life_days = _chosen(draft.parameters)
    lessons = Lessons.of(with_memory(data.train(), parent, half_life_days=half_life_days))
    with threadpool_limits(1):
        graph, tokenizer = learn(version, recipe, lessons)
    path, pieces = draft.folder / "graph.onnx", draft.folder / "tokenizer.json"
    save_graph(graph, path)
    pieces.write_text(tokenizer.to_str(), encoding="utf-8")
    about = write_about(CARDS[version], draft.folder / "about.md")
    made = draft.from_onnx(path, tokenizer=pieces, seed=recipe.seed, description=DESCRIPTIONS[version], about=about)
    with_quantization(made, {"method": METHOD, "description": EXACT})
    remember(data, draft, parent, most=MEMORY)


def learn(version: int, recipe: Recipe, lessons: Lessons) -> tuple[onnx.ModelProto, Tokenizer]:
    """The graph and the tokenizer of labelled texts."""
    tokenizer, tables = train_tables(recipe, lessons.tweets, lessons.weights)
    return ngram_graph(f"tweet-sentiment-{version}", tables), tokenizer


def _chosen(parameters: Mapping[str, Scalar]) -> tuple[int, Recipe, float]:
    version = parameters.get("version", 2)
    if version not in RECIPES:
        raise InputError.of("training.parameters.version", f"must be 1 or 2, not {version!r}")
    recipe = RECIPES[int(version)]
    known = {name: value for name, value in asdict(recipe).items() if name != "characters"}
    known["offsets"] = float(recipe.offsets)
    chosen = settings(parameters, {"version": version, "half_life_days": 730.0, **known})
    return chosen.pop("version"), replace(recipe, **{name: chosen[name] for name in known}), chosen["half_life_days"]


def train_version(folder: Path, version: int, recipe: Recipe, training: TweetFile, validation: TweetFile) -> None:
    """Measure the recipe by years, train it on all tweets of ``training`` and write the package."""
    early = training.tweets.years < SPLIT_YEAR
    print(f"version {version}: training on {early.sum()} tweets before {SPLIT_YEAR} ...", flush=True)
    split = _measure(recipe, training.tweets.where(early), training.tweets.where(~early))
    print(f"version {version}: macro recall {split.recall:.4f}; training on all {len(early)} tweets ...", flush=True)
    graph, tokenizer = learn(version, recipe, Lessons(training.tweets, None))
    checked = unseen(validation.tweets, training.tweets)
    probabilities = predict(graph, tokenizer, checked.texts)
    document = _document(version, recipe, training, validation)
    document["quality"] = [
        *_quality(split, f"{training.name}, {SPLIT_YEAR} rows, by the recipe trained on the years before"),
        *_quality(
            _scores(probabilities, probabilities, checked.labels),
            f"{validation.name}, the {len(checked)} rows that {training.name} does not have",
        ),
    ]
    document["quantization"] = _quantization(split)
    write_package(
        folder,
        document=document,
        graph=graph,
        card=CARDS[version],
        validation=validation_of(checked, training.tweets),
        tokenizer=tokenizer.to_str(),
    )
    print(f"version {version}: {', '.join(_figure(entry) for entry in document['quality'])} -> {folder}", flush=True)


def predict(graph: onnx.ModelProto, tokenizer: Tokenizer, texts: Sequence[str]) -> np.ndarray:
    """Probabilities [N, 3] by the graph, in batches."""
    tokens = encode(tokenizer, texts)
    parts = [run_graph(graph, {"input_ids": pad(tokens[at : at + BATCH])}) for at in range(0, len(tokens), BATCH)]
    return np.vstack(parts)


def pad(tokens: Sequence[Sequence[int]]) -> np.ndarray:
    """Ids padded with zeros to the longest row."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), dtype=np.int64)
    for row, text in zip(ids, tokens, strict=True):
        row[: len(text)] = text
    return ids


def _measure(recipe: Recipe, early: Tweets, late: Tweets) -> Scores:
    tokenizer, tables = train_tables(recipe, early)
    exact = tables.logits(encode(tokenizer, late.texts))
    return _scores(predict(ngram_graph("measured", tables), tokenizer, late.texts), exact, late.labels)


def _scores(probabilities: np.ndarray, exact: np.ndarray, labels: np.ndarray) -> Scores:
    predicted, unquantized = probabilities.argmax(axis=1), exact.argmax(axis=1)
    return Scores(
        recall=macro_recall(predicted, labels),
        accuracy=float(np.mean(predicted == labels)),
        float_recall=macro_recall(unquantized, labels),
        changed=float(np.mean(predicted != unquantized)),
    )


def _quality(scores: Scores, data: str) -> list[dict[str, Any]]:
    return [
        {"metric": "macro recall", "value": round(scores.recall, 4), "data": data},
        {"metric": "accuracy", "value": round(scores.accuracy, 4), "data": data},
    ]


def _figure(entry: dict[str, Any]) -> str:
    return f"{entry['metric']} {entry['value']} ({entry['data']})"


def _quantization(split: Scores) -> dict[str, str]:
    return {
        "method": METHOD,
        "description": f"{EXACT} On the {SPLIT_YEAR} rows macro recall is "
        f"{split.recall:.4f} with int8 and {split.float_recall:.4f} with float64 tables; "
        f"{100 * split.changed:.2f} % of the labels differ.",
    }


def _document(version: int, recipe: Recipe, training: TweetFile, validation: TweetFile) -> dict[str, Any]:
    named = [{"name": file.name, "rows": len(file.tweets), "sha256": file.sha256} for file in (training, validation)]
    return {
        "format": 1,
        "name": "tweet-sentiment",
        "version": version,
        "task": "text-classification",
        "description": DESCRIPTIONS[version],
        "inputs": [{"name": "text", "type": "string", "description": "One English tweet", "max_characters": 4000}],
        "outputs": {"labels": list(LABELS)},
        "graph": {"file": "model.onnx", "inputs": ["input_ids"], "outputs": ["probabilities"]},
        "tokenizer": "tokenizer.json",
        "training": {
            "command": "python -m recipes.tweet_sentiment",
            "data": named[:1],
            "seed": recipe.seed,
            "parameters": {
                **{key: value for key, value in asdict(recipe).items() if key != "seed"},
                "characters": list(recipe.characters) if recipe.characters else None,
                "baseline_data": named[1],
            },
        },
    }


DESCRIPTIONS = {
    1: "Whether a tweet is negative, neutral or positive, by its pieces of words.",
    2: "Whether a tweet is negative, neutral or positive, by its pieces of words, pairs of them, and their spelling.",
}

_METHOD = (
    "`tokenizer.json` lowers the case, reduces links, user names and repeated characters, and splits the text into "
    "8,000 known pieces of words. The graph looks up a row of three numbers for each {looked_up}, adds them up, "
    "divides by the square root of the number of pieces, and takes the softmax. The rows are the weights of one "
    "logistic regression with inverse document frequencies"
)

METHODS = {
    1: _METHOD.format(looked_up="piece") + ".",
    2: _METHOD.format(looked_up="piece and for each hashed pair of neighbours")
    + "; the weights of character n-grams inside a piece are folded into its row, so rare words borrow from words "
    "spelled like them. The bias is set where the macro recall of three held-out folds was highest, so that the rarer "
    "labels are found more often, at the price of some accuracy where most texts are neutral.",
}


def _card(version: int) -> Card:
    return Card(
        intended_use="To sort English tweets and other short, informal texts by their tone, in bulk. Not for decisions "
        "about the people who wrote them.",
        data="The 2013-2016 releases of the SemEval Twitter sentiment task, subtask A (train.tsv; the manifest has its "
        "row count and SHA-256). The baseline is measured on those rows of val.tsv, the validation split of TweetEval, "
        "that are not in train.tsv.",
        method=METHODS[version],
        limits="English of 2013-2016: later events, words and emoji are unknown to it. Irony, quotation and anything "
        "that takes more than a few neighbouring letters or words to understand is missed. val.tsv is of the same "
        "years as the training data and overstates quality on later tweets. The figure on the 2016 rows, by a model "
        "that saw only earlier years and less than half the data, is the more careful one; the recipe was chosen on "
        "those rows. Scores are not calibrated. Texts are cut at 256 pieces.",
        licence="The tweets belong to their authors and are not part of the package, which holds pieces of words, "
        "statistics and weights. Package: Apache-2.0.",
    )


CARDS = {version: _card(version) for version in RECIPES}

if __name__ == "__main__":
    main()
