"""What the student takes over from the pretrained encoder before it learns: its pieces, and what each means alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from training.augment import Words
from training.emoji import MEANINGS
from training.tokens import CONTINUED, PAD, START, UNKNOWN

NEAREST = 8
LEAST_LIKENESS = 0.25
SHORTEST_WORD = 3
CHUNK = 512
# Root mean square of a row's columns: about what the first layers of such networks are begun with.
SPREAD = 0.5


@dataclass(frozen=True)
class Pieces:
    """The tokenizer of the student, and the encoder's number of each of its pieces, in order."""

    tokenizer: Tokenizer
    numbers: np.ndarray


def choose_pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> Pieces:
    """Pieces that ``texts`` have, and those of plain letters and digits; foreign scripts are left out.

    The student's texts begin with one [CLS], so that none is empty, and padding is 0.
    """
    vocabulary = tokenizer.get_vocab()
    seen = {number for encoding in tokenizer.encode_batch(list(texts)) for number in encoding.ids}
    kept = [piece for piece in sorted(vocabulary, key=vocabulary.__getitem__) if _wanted(piece, vocabulary, seen)]
    order = [PAD, UNKNOWN, START, *(piece for piece in kept if piece not in (PAD, UNKNOWN, START))]
    document: dict[str, Any] = json.loads(tokenizer.to_str())
    document["model"]["vocab"] = {piece: number for number, piece in enumerate(order)}
    document["added_tokens"] = []
    document["post_processor"] = None
    student = Tokenizer.from_str(json.dumps(document))
    student.post_processor = TemplateProcessing(single=f"{START} $A", special_tokens=[(START, order.index(START))])
    return Pieces(student, np.array([vocabulary[piece] for piece in order]))


def _wanted(piece: str, vocabulary: dict[str, int], seen: set[int]) -> bool:
    plain = piece.removeprefix(CONTINUED)
    return vocabulary[piece] in seen or piece in MEANINGS or (plain.isascii() and "[" not in plain)


def first_rows(meanings: np.ndarray, width: int) -> np.ndarray:
    """The principal ``width`` columns of what pieces mean, [pieces, width]; padding, the first, is zero."""
    directions = _directions(meanings)
    _, axes = np.linalg.eigh(directions.T @ directions)
    rows = directions @ axes[:, ::-1][:, :width]
    rows *= SPREAD / rows.std()
    rows[0] = 0
    return rows


def words_to_swap(tokenizer: Tokenizer, meanings: np.ndarray, texts: Sequence[str]) -> Words:
    """For each word of ``texts`` that is one piece, the words nearest to it in meaning."""
    vocabulary = tokenizer.get_vocab()
    words = sorted(word for word in vocabulary if word.isascii() and word.isalpha() and len(word) >= SHORTEST_WORD)
    used = {part.lower() for text in texts for part in text.split()}
    directions = _directions(meanings)[[vocabulary[word] for word in words]].astype(np.float32)
    rows = [row for row, word in enumerate(words) if word in used]
    near = {}
    for at in range(0, len(rows), CHUNK):
        likeness = directions[rows[at : at + CHUNK]] @ directions.T
        for row, alike in zip(rows[at : at + CHUNK], likeness, strict=True):
            best = np.argsort(-alike, kind="stable")[1 : 1 + NEAREST]
            near[words[row]] = [words[other] for other in best if alike[other] > LEAST_LIKENESS] or [words[row]]
    return Words(near, words)


def _directions(meanings: np.ndarray) -> np.ndarray:
    centred = meanings - meanings.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6))


def kept_array(path: Path, make: Any) -> np.ndarray:
    """An array that is made once and then read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft.npy")
        np.save(draft, make())
        draft.replace(path)
    return np.load(path)
