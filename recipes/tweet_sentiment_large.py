"""Fine-tune ``tweet-sentiment-large``: `train` on the labels of a training run, the command on tweets in files.

The tweets stay outside the repository. ``python -m recipes.tweet_sentiment_large --data
../shared/data/tweet-sentiment`` trains on the years before the split to measure, then on everything to ship. After an
interruption, the same command resumes.
"""

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax
from tokenizers import Tokenizer

from recipes.tweets.data import LABELS, TweetFile, Tweets, read_tweets, unseen
from recipes.tweets.encoder.finetuning import Checkpoints, Schedule, finetune
from recipes.tweets.encoder.network import SentimentEncoder, load_pretrained, logits
from recipes.tweets.encoder.package import (
    FLOAT_VERSION,
    MAX_DROP,
    NAME,
    SHIPPED_VERSION,
    fill_draft,
    with_quality,
    write_float,
    write_int8,
)
from recipes.tweets.lessons import Lessons, settings
from recipes.tweets.ngrams import macro_recall
from recipes.tweets.tokens import encode
from recipes.tweets.weights import digest_of, kept_by, restore_weights, save_weights
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.training.dataset import DataSet
from slipway.training.draft import Draft
from slipway.training.recipe import Parent

SPLIT_YEAR = 2016
BY_YEARS = f"{SPLIT_YEAR} rows, by the recipe trained on the years before"
SCHEDULE = Schedule()
WEIGHTS = "encoder.safetensors"
"""The training state: the weights in float32."""
RECORDS = 2000
"""How many labels a run learns from by default, the newest: some six minutes of processor time with the package."""
SPLIT, FULL = "split", "full"


@dataclass(frozen=True)
class Learnt:
    """A trained model with its tokenizer."""

    model: SentimentEncoder
    tokenizer: Tokenizer

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities [N, labels]."""
        return softmax(logits(self.model, encode(self.tokenizer, texts)).double().numpy(), axis=1)


def main() -> None:
    """Train as the options say; a finished training is read from its checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet-sentiment"), help="train.tsv, val.tsv")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the packages")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="folder of checkpoints and version 1")
    parser.add_argument("--only", choices=(SPLIT, FULL), help="run one of the two trainings and write no package")
    options = parser.parse_args()
    files = [read_tweets(options.data / name) for name in ("train.tsv", "val.tsv")]
    if options.only:
        learn_file(options.only, files[0], options.work)
    else:
        package(*files, options.work, options.models / NAME / str(SHIPPED_VERSION))


def train(data: DataSet, draft: Draft, parent: Parent | None) -> None:
    """Fine-tune again on labelled texts: the pretrained weights, or with a parent those that it ended with.

    Parameters are those of `Schedule`, ``records`` and ``max_drop``, the macro recall that int8 may cost.
    """
    chosen = settings(draft.parameters, {**asdict(SCHEDULE), "records": RECORDS, "max_drop": MAX_DROP})
    lessons, max_drop = Lessons.of(data.train(), chosen.pop("records")), chosen.pop("max_drop")
    schedule, start = Schedule(**chosen), kept_by(parent, WEIGHTS)
    kept = Checkpoints(draft.checkpoints / WEIGHTS, f"{data.sha256}, {len(lessons.tweets)} rows, {digest_of(start)}")
    learnt = learn(lessons, schedule, kept, start)
    save_weights(learnt.model, draft.state / WEIGHTS)
    fill_draft(draft, learnt.model, learnt.tokenizer, schedule, max_drop=max_drop)


def package(training: TweetFile, validation: TweetFile, work: Path, output: Path) -> None:
    """Measure by years, train on everything, and write version 2 to ``output``; everything else goes to ``work``."""
    later = training.tweets.where(training.tweets.years >= SPLIT_YEAR)
    measured = versions(learn_file(SPLIT, training, work), (training, validation), work / SPLIT)
    found = probabilities(measured, later.texts)
    by_years = quality(found, later, f"{training.name}, {BY_YEARS}")
    shipped = versions(learn_file(FULL, training, work), (training, validation), work / FULL)
    with_quality(shipped, by_years, output)


def versions(learnt: Learnt, files: tuple[TweetFile, TweetFile], folder: Path) -> Package:
    """Write versions 1 and 2 of a trained model below ``folder``; returns version 2, which is int8."""
    training, validation = files
    shutil.rmtree(folder, ignore_errors=True)
    checked = unseen(validation.tweets, training.tweets)
    answers = learnt.probabilities(checked.texts)
    rest = f"{validation.name}, the {len(checked)} rows that {training.name} does not have"
    original = write_float(
        folder / str(FLOAT_VERSION),
        learnt.model,
        learnt.tokenizer,
        SCHEDULE,
        files=files,
        quality=quality(answers, checked, rest),
        checked=checked,
    )
    made = write_int8(original, write_labelled(folder / "val-unseen.tsv", checked), folder / str(SHIPPED_VERSION))
    print(made.change.summary, flush=True)
    return made.package


def probabilities(package: Package, texts: Sequence[str]) -> np.ndarray:
    """Probabilities [N, labels] by a package, each text alone."""
    predictor = Predictor(package)
    answers = [predictor.predict([{"text": text}])[0]["scores"] for text in texts]
    return np.array([[answer[label] for label in LABELS] for answer in answers])


def quality(probabilities: np.ndarray, tweets: Tweets, data: str) -> list[dict[str, Any]]:
    """Macro recall and accuracy as a manifest's ``quality``."""
    predicted = probabilities.argmax(axis=1)
    figures = {"macro recall": macro_recall(predicted, tweets.labels), "accuracy": np.mean(predicted == tweets.labels)}
    found = [{"metric": name, "value": round(float(value), 4), "data": data} for name, value in figures.items()]
    print(*(f"{entry['metric']} {entry['value']} on {data}" for entry in found), sep="\n", flush=True)
    return found


def write_labelled(path: Path, tweets: Tweets) -> Path:
    """Tweets as a file of labelled records."""
    rows = [f"{LABELS[label]}\t{text}\n" for label, text in zip(tweets.labels, tweets.texts, strict=True)]
    path.write_text("".join(["label\ttext\n", *rows]), encoding="utf-8")
    return path


def learn_file(name: str, training: TweetFile, work: Path) -> Learnt:
    """Train on the years before the split (``split``) or on all of ``training`` (``full``)."""
    tweets = before(training.tweets) if name == SPLIT else training.tweets
    kept = Checkpoints(work / f"tweet-sentiment-large-{name}.safetensors", f"{name} of {training.sha256}")
    print(f"{name}:", end=" ")
    return learn(Lessons(tweets, None), SCHEDULE, kept)


def learn(lessons: Lessons, schedule: Schedule, kept: Checkpoints, start: Path | None = None) -> Learnt:
    """Fine-tune the pretrained weights, or those in the file ``start``."""
    tweets = lessons.tweets
    print(f"training on {len(tweets)} tweets", flush=True)
    model, tokenizer = load_pretrained(schedule.seed)
    if start is not None:
        restore_weights(model, start)
    texts = encode(tokenizer, tweets.texts)
    finetune(model, texts, tweets.labels.tolist(), schedule, kept, weights=lessons.weights)
    return Learnt(model, tokenizer)


def before(tweets: Tweets) -> Tweets:
    """The tweets of the years before the split."""
    return tweets.where(tweets.years < SPLIT_YEAR)


if __name__ == "__main__":
    main()
