"""Distill ``tweet-sentiment`` 3 from a fine-tuned encoder: `train` on a run's labels, the command on tweets in files.

The tweets stay outside the repository. ``python -m recipes.tweet_student --data ../shared/data/tweet-sentiment``
measures by years with the teacher of the split, then trains on the teacher of everything and writes
models/tweet-sentiment/3. Both teachers come from ``python -m recipes.tweet_sentiment_large``, which must run first.
After an interruption, the same command resumes. ``--only split`` only measures; with its options, it makes the rows of
the table in recipes/README.md.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from recipes import tweet_sentiment_large as large
from recipes.tweets.data import TweetFile, read_tweets, unseen
from recipes.tweets.encoder.finetuning import Checkpoints
from recipes.tweets.lessons import Lessons, settings
from recipes.tweets.ngrams import best_offsets, macro_recall
from recipes.tweets.student.distilling import SCHEDULE, SIZE, WEIGHTS, Bench, Recipe, Student, distil
from recipes.tweets.student.network import Size
from recipes.tweets.student.package import COMMAND, NAME, VERSION, fill_draft, write_student
from recipes.tweets.student.teacher import Teacher, open_teacher, write_teacher
from recipes.tweets.weights import digest_of, kept_by, save_weights
from slipway.training.dataset import DataSet
from slipway.training.draft import Draft
from slipway.training.recipe import Parent

DEFAULTS = {
    "records": large.RECORDS,
    "teacher_epochs": large.SCHEDULE.epochs,
    "teacher_learning_rate": large.SCHEDULE.learning_rate,
    "row": SIZE.row,
    "filters": SIZE.filters,
    "copies": Recipe.copies,
    "offsets": Recipe.offsets,
    "epochs": SCHEDULE.epochs,
    "batch": SCHEDULE.batch,
    "learning_rate": SCHEDULE.learning_rate,
    "seed": SCHEDULE.seed,
}
"""The parameters of `train`: those that the shipped version was made with, but for ``records``."""


def main() -> None:
    """Train as the options say; finished steps are read from disk."""
    options = _options()
    recipe = Recipe(
        Size(options.row, options.filters, tuple(options.widths)),
        options.copies,
        options.offsets,
        replace(SCHEDULE, epochs=options.epochs, learning_rate=options.rate),
    )
    training = read_tweets(options.data / "train.tsv")
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        measured = measure(recipe, training, options.work)
        if not options.only:
            files = (training, read_tweets(options.data / "val.tsv"))
            package(recipe, files, options.work, options.models / NAME / str(VERSION), measured)


def train(data: DataSet, draft: Draft, parent: Parent | None) -> None:
    """Fine-tune a teacher on labelled texts, and distil a student from it; with a parent, go on from both its networks.

    Parameters are those of `DEFAULTS`: ``records`` is how many labels to learn from, the newest; the teacher's begin
    with ``teacher_``.
    """
    chosen = settings(draft.parameters, DEFAULTS)
    lessons, recipe = Lessons.of(data.train(), chosen["records"]), _recipe(chosen)
    starts = [kept_by(parent, name) for name in (large.WEIGHTS, WEIGHTS)]
    identity = f"{data.sha256}, {len(lessons.tweets)} rows, {', '.join(map(digest_of, starts))}"
    kept = Checkpoints(draft.checkpoints / large.WEIGHTS, identity)
    schedule = replace(large.SCHEDULE, epochs=chosen["teacher_epochs"], learning_rate=chosen["teacher_learning_rate"])
    learnt = large.learn(lessons, schedule, kept, starts[0])
    save_weights(learnt.model, draft.state / large.WEIGHTS)
    teacher = as_teacher(learnt, draft.checkpoints / "teacher.onnx")
    bench = Bench(draft.checkpoints, "student", identity)
    student = distil(lessons, recipe, teacher, bench, starts[1].parent if starts[1] else None)
    student.keep(draft.state)
    fill_draft(draft, student.graph, student.tokenizer, recipe.schedule.seed)


def _recipe(chosen: Mapping[str, Any]) -> Recipe:
    size = Size(chosen["row"], chosen["filters"], SIZE.widths)
    schedule = replace(SCHEDULE, epochs=chosen["epochs"], batch=chosen["batch"], learning_rate=chosen["learning_rate"])
    return Recipe(size, chosen["copies"], chosen["offsets"], replace(schedule, seed=chosen["seed"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data/tweet-sentiment"), help="train.tsv, val.tsv")
    add("--models", type=Path, default=Path("models"), help="folder of the packages")
    add("--work", type=Path, default=Path("build/training"), help="folder of checkpoints and the teacher's answers")
    add("--only", choices=(large.SPLIT,), help="measure by years and write no package")
    add("--threads", type=int, default=1, help="number of threads; more than 1 changes the last digits of the weights")
    add("--row", type=int, default=SIZE.row, help="columns of a piece's row")
    add("--filters", type=int, default=SIZE.filters, help="filters per width")
    add("--widths", type=int, nargs="+", default=SIZE.widths)
    add("--copies", type=int, default=Recipe.copies, help="variants of each tweet")
    add("--offsets", type=float, default=Recipe.offsets, help="how much of the labels' shares to remove, 0 to 1")
    add("--epochs", type=int, default=SCHEDULE.epochs)
    add(
        "--rate",
        type=float,
        default=SCHEDULE.learning_rate,
        help="learning rate of the rows; the rest has 3 times that",
    )
    return parser.parse_args()


def measure(recipe: Recipe, training: TweetFile, work: Path) -> list[dict[str, Any]]:
    """The quality on later tweets of a student and a teacher that were trained on earlier ones."""
    student = learn(large.SPLIT, recipe, training, work)
    later = training.tweets.where(training.tweets.years >= large.SPLIT_YEAR)
    probabilities = student.probabilities(later.texts)
    logits = np.log(probabilities)
    best = macro_recall((logits + best_offsets(logits, later.labels)).argmax(axis=1), later.labels)
    found = large.quality(probabilities, later, f"{training.name}, {large.BY_YEARS}")
    print(f"macro recall {best:.4f} at the best bias; {json.dumps(asdict(recipe))}", flush=True)
    return found


def package(
    recipe: Recipe, files: Sequence[TweetFile], work: Path, folder: Path, measured: list[dict[str, Any]]
) -> None:
    """Train on the teacher of everything, and write the package. ``files`` are for training and validation."""
    training, validation = files
    student = learn(large.FULL, recipe, training, work)
    checked = unseen(validation.tweets, training.tweets)
    probabilities = student.probabilities(checked.texts)
    rest = f"{validation.name}, the {len(checked)} rows that {training.name} does not have"
    taught = teacher_of(large.FULL, training, work).probabilities(checked.texts)
    agreement = float(np.mean(taught.argmax(axis=1) == probabilities.argmax(axis=1)))
    write_student(
        folder,
        student.graph,
        student.tokenizer,
        parameters={**asdict(recipe), "agreement": round(agreement, 4)},
        files=files,
        quality=[*measured, *large.quality(probabilities, checked, rest)],
        checked=checked,
    )
    print(f"{COMMAND}: {folder} is written, agreement with the teacher {agreement:.4f}")


def learn(name: str, recipe: Recipe, training: TweetFile, work: Path) -> Student:
    """Train a student on the years before the split (``split``) or on all of ``training`` (``full``)."""
    tweets = large.before(training.tweets) if name == large.SPLIT else training.tweets
    bench = Bench(work, f"student-{name}", f"{name} of {training.sha256}")
    return distil(Lessons(tweets, None), recipe, teacher_of(name, training, work), bench)


def teacher_of(name: str, training: TweetFile, work: Path) -> Teacher:
    """The fine-tuned encoder as a teacher, trained first if necessary."""
    return as_teacher(large.learn_file(name, training, work), work / f"teacher-{name}.onnx")


def as_teacher(learnt: large.Learnt, file: Path) -> Teacher:
    """A fine-tuned encoder in int8, written to ``file`` unless it is there."""
    if not file.exists():
        write_teacher(learnt.model, file)
    return open_teacher(file, learnt.tokenizer)


if __name__ == "__main__":
    main()
