"""Distilling a student from a teacher: pieces, initial rows, augmented texts, training, and the int8 graph."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from recipes.packaging import sha256
from recipes.tweet_sentiment import predict
from recipes.tweets.augment import variants
from recipes.tweets.data import LABELS, Tweets
from recipes.tweets.encoder.finetuning import Checkpoints, Schedule, finetune
from recipes.tweets.encoder.network import load_pretrained, pad
from recipes.tweets.lessons import Lessons
from recipes.tweets.student.graph import student_graph
from recipes.tweets.student.network import Size, StudentNetwork, largest_answers, weights_of
from recipes.tweets.student.package import NAME
from recipes.tweets.student.teacher import Teacher, answers
from recipes.tweets.student.words import Pieces, choose_pieces, first_rows, kept_array, words_to_swap
from recipes.tweets.tokens import encode
from recipes.tweets.weights import restore_weights, save_weights

MEANING_BATCH = 512
EVERY = 200
SIZE = Size()
SCHEDULE = Schedule(epochs=3, batch=128, learning_rate=7e-4)
WEIGHTS, TOKENIZER = "student.safetensors", "student-tokenizer.json"
"""The training state: the weights with the places of the pieces, and the tokenizer."""


@dataclass(frozen=True)
class Recipe:
    """``copies`` variants of each tweet are added to it; ``offsets`` is how much of the labels' shares to remove."""

    size: Size = SIZE
    copies: int = 2
    offsets: float = 1.0
    schedule: Schedule = SCHEDULE


@dataclass(frozen=True)
class Bench:
    """Where a distillation keeps what it has done, how its files' names begin, and what identifies its data."""

    folder: Path
    name: str
    identity: str

    def meanings(self, seed: int) -> np.ndarray:
        """See `meanings_of`, which takes a minute."""
        return kept_array(self.folder / "meanings.npy", lambda: meanings_of(seed))

    def checkpoints(self, recipe: Recipe) -> Checkpoints:
        """Checkpoints in a file per recipe, so that several can be tried."""
        identity = f"{self.identity}, {json.dumps(asdict(replace(recipe, offsets=0)), sort_keys=True)}"
        return Checkpoints(self.folder / f"{self.name}-{sha256(identity.encode())[:8]}.safetensors", identity, EVERY)


@dataclass(frozen=True)
class Student:
    """The trained student as it ships, and the network that it was made of."""

    graph: onnx.ModelProto
    tokenizer: Tokenizer
    network: StudentNetwork
    pieces: Pieces

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities [N, labels]."""
        return predict(self.graph, self.tokenizer, texts)

    def keep(self, folder: Path) -> None:
        """Write what `distil` goes on from."""
        places = {name: torch.tensor(getattr(self.pieces, name)) for name in ("numbers", "learnt")}
        save_weights(self.network, folder / WEIGHTS, places)
        (folder / TOKENIZER).write_text(self.tokenizer.to_str(), encoding="utf-8")


def distil(lessons: Lessons, recipe: Recipe, teacher: Teacher, bench: Bench, start: Path | None = None) -> Student:
    """Train a student on a teacher's answers.

    With ``start``, the folder that an earlier student was kept in, it goes on with its pieces and weights.
    """
    tweets = lessons.tweets
    texts = [tweets.texts, *changed(teacher.tokenizer, tweets, recipe, bench)]
    learnt = np.vstack([answers(teacher, each, bench.folder / bench.name) for each in texts])
    pieces, network = _begin(teacher, tweets, recipe, bench) if start is None else _go_on(start, recipe)
    encoded = encode(pieces.tokenizer, [text for each in texts for text in each])
    ids = [pieces.learnt[text].tolist() for text in encoded]
    weights = None if lessons.weights is None else np.tile(lessons.weights, len(texts))
    finetune(network, ids, learnt.tolist(), recipe.schedule, bench.checkpoints(recipe), weights=weights)
    shares = np.bincount(tweets.labels, lessons.weights, minlength=len(LABELS))
    shares = np.maximum(shares / shares.sum(), 1 / len(tweets))
    final = weights_of(network, -recipe.offsets * np.log(shares), largest_answers(network, ids))
    graph = student_graph(NAME, replace(final, rows=final.rows[pieces.learnt]))
    return Student(graph, pieces.tokenizer, network, pieces)


def _begin(teacher: Teacher, tweets: Tweets, recipe: Recipe, bench: Bench) -> tuple[Pieces, StudentNetwork]:
    pieces = choose_pieces(teacher.tokenizer, tweets.texts)
    rows = first_rows(bench.meanings(recipe.schedule.seed)[pieces.numbers], recipe.size.row)
    torch.manual_seed(recipe.schedule.seed)
    return pieces, StudentNetwork(rows, recipe.size, len(LABELS))


def _go_on(start: Path, recipe: Recipe) -> tuple[Pieces, StudentNetwork]:
    kept = load_file(start / WEIGHTS)
    tokenizer = Tokenizer.from_file(str(start / TOKENIZER))
    pieces = Pieces(tokenizer, kept["numbers"].numpy(), kept["learnt"].numpy())
    network = StudentNetwork(np.zeros((len(pieces.numbers), recipe.size.row)), recipe.size, len(LABELS))
    restore_weights(network, start / WEIGHTS)
    return pieces, network


def changed(tokenizer: Tokenizer, tweets: Tweets, recipe: Recipe, bench: Bench) -> list[list[str]]:
    """Variants of the tweets, one list per copy."""
    if not recipe.copies:
        return []
    seed = recipe.schedule.seed
    words = words_to_swap(tokenizer, bench.meanings(seed), tweets.texts)
    return [variants(tweets.texts, words, seed=seed + copy) for copy in range(recipe.copies)]


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
