"""Distill ``tweet-sentiment`` 3 from the fine-tuned encoder, on tweets that stay outside the repository.

``python -m recipes.tweet_student --data ../shared/data/tweet-sentiment`` measures by years with the teacher of the
split, then trains on the teacher of everything and writes models/tweet-sentiment/3. Both teachers come from
``python -m recipes.tweet_sentiment_large``, which must run first. After an interruption, the same command resumes.
``--only split`` only measures; with its options, it makes the rows of the table in recipes/README.md.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from recipes import tweet_sentiment_large as large
from recipes.packaging import sha256
from recipes.tweet_sentiment import predict
from recipes.tweets.augment import variants
from recipes.tweets.data import LABELS, TweetFile, Tweets, read_tweets, unseen
from recipes.tweets.encoder.finetuning import Checkpoints, Schedule, finetune
from recipes.tweets.encoder.network import load_pretrained, pad
from recipes.tweets.ngrams import best_offsets, macro_recall
from recipes.tweets.student.graph import student_graph
from recipes.tweets.student.network import Size, StudentNetwork, largest_answers, weights_of
from recipes.tweets.student.package import COMMAND, NAME, VERSION, write_student
from recipes.tweets.student.teacher import Teacher, answers, open_teacher, write_teacher
from recipes.tweets.student.words import choose_pieces, first_rows, kept_array, words_to_swap
from recipes.tweets.tokens import encode

MEANING_BATCH = 512
EVERY = 200


SIZE = Size()
SCHEDULE = Schedule(epochs=3, batch=128, learning_rate=7e-4)


@dataclass(frozen=True)
class Recipe:
    """``copies`` variants of each tweet are added to it; ``offsets`` is how much of the labels' shares to remove."""

    size: Size = SIZE
    copies: int = 2
    offsets: float = 1.0
    schedule: Schedule = SCHEDULE


@dataclass(frozen=True)
class Student:
    """The trained student as it ships."""

    graph: onnx.ModelProto
    tokenizer: Tokenizer

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities [N, labels]."""
        return predict(self.graph, self.tokenizer, texts)


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
    teacher = teacher_of(name, training, work)
    meanings = kept_array(work / "meanings.npy", lambda: meanings_of(recipe.schedule.seed))
    pieces = choose_pieces(teacher.tokenizer, tweets.texts)
    lessons = [tweets.texts, *changed(teacher.tokenizer, meanings, tweets, recipe)]
    learnt = np.vstack([answers(teacher, texts, work / f"student-{name}") for texts in lessons])
    torch.manual_seed(recipe.schedule.seed)
    network = StudentNetwork(first_rows(meanings[pieces.numbers], recipe.size.row), recipe.size, len(LABELS))
    encoded = encode(pieces.tokenizer, [text for lesson in lessons for text in lesson])
    texts = [pieces.learnt[text].tolist() for text in encoded]
    finetune(network, texts, learnt.tolist(), recipe.schedule, _checkpoints(name, recipe, training, work))
    shares = np.bincount(tweets.labels, minlength=len(LABELS)) / len(tweets)
    weights = weights_of(network, -recipe.offsets * np.log(shares), largest_answers(network, texts))
    return Student(student_graph(NAME, replace(weights, rows=weights.rows[pieces.learnt])), pieces.tokenizer)


def changed(tokenizer: Tokenizer, meanings: np.ndarray, tweets: Tweets, recipe: Recipe) -> list[list[str]]:
    """Variants of the tweets, one list per copy."""
    if not recipe.copies:
        return []
    words, seed = words_to_swap(tokenizer, meanings, tweets.texts), recipe.schedule.seed
    return [variants(tweets.texts, words, seed=seed + copy) for copy in range(recipe.copies)]


def _checkpoints(name: str, recipe: Recipe, training: TweetFile, work: Path) -> Checkpoints:
    """Checkpoints in a file per recipe, so that several can be tried."""
    identity = f"{name} of {training.sha256}, {json.dumps(asdict(replace(recipe, offsets=0)), sort_keys=True)}"
    return Checkpoints(work / f"student-{name}-{sha256(identity.encode())[:8]}.safetensors", identity, EVERY)


def teacher_of(name: str, training: TweetFile, work: Path) -> Teacher:
    """The fine-tuned encoder as a teacher, trained first if necessary."""
    file = work / f"teacher-{name}.onnx"
    learnt = large.learn(name, training, work)
    if not file.exists():
        write_teacher(learnt.model, file)
    return open_teacher(file, learnt.tokenizer)


@torch.inference_mode()
def meanings_of(seed: int) -> np.ndarray:
    """The encoder's embedding of each single piece before fine-tuning: the last layer's mean, [pieces, hidden]."""
    model, tokenizer = load_pretrained(seed)
    first, last = (tokenizer.token_to_id(piece) for piece in ("[CLS]", "[SEP]"))
    texts = [[first, piece, last] for piece in range(model.encoder.config.vocab_size)]
    parts = [pad(texts[at : at + MEANING_BATCH]) for at in range(0, len(texts), MEANING_BATCH)]
    model.eval()
    states = [model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.mean(1) for ids, mask in parts]
    return np.asarray(torch.cat(states).numpy())


if __name__ == "__main__":
    main()
