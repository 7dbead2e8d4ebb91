"""What the student takes from the pretrained encoder before training: its pieces and their embeddings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer
from tokenizers.normalizers import NFD, Lowercase, StripAccents
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing

from recipes.tweets.augment import Words
from recipes.tweets.emoji import MEANINGS
from recipes.tweets.encoder.network import ESCAPED
from recipes.tweets.tokens import CONTINUED, PAD, START, UNKNOWN

NEAREST = 8
LEAST_LIKENESS = 0.25
SHORTEST_WORD = 3
CHUNK = 512
# The teacher's normalizer replaces these, with one pass over the text each; the student has pieces for them instead.
FORMS = {"\u2018": "'", "\u2019": "'", **ESCAPED}
# The encoder's words in one pass: letters and digits, escaped signs, other signs; no controls and no skin tones.
_WORDS = rf"[^\W_]+|{'|'.join(ESCAPED)}|[^\s\p{{C}}\x{{1f3fb}}-\x{{1f3ff}}]"
# Root mean square of a row's columns, about that of a usual initialization.
SPREAD = 0.5


@dataclass(frozen=True)
class Pieces:
    """The student's tokenizer, and the encoder's id of each piece that the student learns, in order.

    The tokenizer's further pieces are variants of those: ``learnt`` [pieces of the tokenizer] maps every piece to its
    place among the learned ones.
    """

    tokenizer: Tokenizer
    numbers: np.ndarray
    learnt: np.ndarray


def choose_pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> Pieces:
    """Choose the pieces that ``texts`` have and all ASCII pieces; other scripts are left out.

    The student's texts begin with [CLS], so that none is empty; padding is 0.
    """
    vocabulary = tokenizer.get_vocab()
    seen = {number for encoding in tokenizer.encode_batch(list(texts)) for number in encoding.ids}
    kept = [piece for piece in sorted(vocabulary, key=vocabulary.__getitem__) if _wanted(piece, vocabulary, seen)]
    order = [PAD, UNKNOWN, START, *(piece for piece in kept if piece not in (PAD, UNKNOWN, START))]
    place = {piece: at for at, piece in enumerate(order)}
    forms = {form: sign for form, sign in FORMS.items() if sign in place and form not in place}
    return Pieces(
        _student_tokenizer(tokenizer, [*order, *forms]),
        np.array([vocabulary[piece] for piece in order]),
        np.array([*place.values(), *(place[sign] for sign in forms.values())]),
    )


def _student_tokenizer(tokenizer: Tokenizer, pieces: Sequence[str]) -> Tokenizer:
    """A tokenizer of the pieces that needs fewer passes over a text than the encoder's ``tokenizer``."""
    document: dict[str, Any] = json.loads(tokenizer.to_str())
    document["model"]["vocab"] = {piece: number for number, piece in enumerate(pieces)}
    document["added_tokens"] = []
    document["post_processor"] = None
    student = Tokenizer.from_str(json.dumps(document))
    student.normalizer = Normalizers([NFD(), StripAccents(), Lowercase()])
    student.pre_tokenizer = Split(Regex(_WORDS), "removed", invert=True)
    student.post_processor = TemplateProcessing(single=f"{START} $A", special_tokens=[(START, pieces.index(START))])
    return student


def _wanted(piece: str, vocabulary: dict[str, int], seen: set[int]) -> bool:
    plain = piece.removeprefix(CONTINUED)
    return vocabulary[piece] in seen or piece in MEANINGS or (plain.isascii() and "[" not in plain)


def first_rows(meanings: np.ndarray, width: int) -> np.ndarray:
    """The first ``width`` principal components of the pieces' meanings, [pieces, width]; padding is zero."""
    directions = _directions(meanings)
    _, axes = np.linalg.eigh(directions.T @ directions)
    rows = directions @ axes[:, ::-1][:, :width]
    rows *= SPREAD / rows.std()
    rows[0] = 0
    return rows


def words_to_swap(tokenizer: Tokenizer, meanings: np.ndarray, texts: Sequence[str]) -> Words:
    """For each word of ``texts`` that is a single piece, the words nearest in meaning."""
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
    """An array that is computed once and cached in a file."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft.npy")
        np.save(draft, make())
        draft.replace(path)
    return np.load(path)
