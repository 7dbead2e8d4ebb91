"""A linear classifier over n-grams of tokens, as two tables whose rows a graph sums.

A text's logits are ``bias + (sum of unigram rows + sum of bigram rows) / sqrt(number of tokens)``. Character n-grams
inside a token are trained as separate features and then folded into its unigram row, so they cost nothing in serving.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from tokenizers import Tokenizer

from recipes.tweets.data import LABELS, Tweets
from recipes.tweets.tokens import CONTINUED, SPECIAL, encode, pieces, train_tokenizer

# Universal hashing: (FIRST * token + SECOND * next token) mod a prime number of buckets.
FIRST, SECOND = 48_271, 16_807
TOKEN_WEIGHT, CHARACTER_WEIGHT = 0.3, 0.1
FOLDS = 3


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a tweet model.

    ``buckets`` is the prime number of rows for bigrams; ``characters`` the shortest and longest character n-gram, or
    None; ``offsets`` how far, from 0 to 1, the bias moves towards the highest macro recall of held-out folds.
    """

    vocabulary: int
    buckets: int
    characters: tuple[int, int] | None
    inverse_regularization: float
    offsets: float
    seed: int = 2026


@dataclass(frozen=True)
class Tables:
    """The trained classifier: rows of logits by token [V, 3] and by bucket [B, 3], and the bias [3]; float64."""

    unigrams: np.ndarray
    bigrams: np.ndarray
    bias: np.ndarray

    def logits(self, tokens: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits [N, 3] of encoded texts, in full precision."""
        counted = count_unigrams(tokens, len(self.unigrams)) @ self.unigrams
        counted += count_bigrams(tokens, len(self.bigrams)) @ self.bigrams
        logits: np.ndarray = counted / _lengths(tokens)[:, None] + self.bias
        return logits


def train(recipe: Recipe, tweets: Tweets, weights: np.ndarray | None = None) -> tuple[Tokenizer, Tables]:
    """Learn the vocabulary and the tables from the same tweets; ``weights`` [N] say how much each counts."""
    tokenizer = train_tokenizer(tweets.texts, recipe.vocabulary)
    tokens = encode(tokenizer, tweets.texts)
    tables = fit(recipe, pieces(tokenizer), tokens, tweets.labels, weights)
    if recipe.offsets:
        offsets = _offsets(recipe, pieces(tokenizer), tokens, tweets.labels, weights)
        tables = replace(tables, bias=tables.bias + recipe.offsets * offsets)
    return tokenizer, tables


def fit(
    recipe: Recipe,
    vocabulary: list[str],
    tokens: Sequence[Sequence[int]],
    labels: np.ndarray,
    weights: np.ndarray | None = None,
) -> Tables:
    """Fit logistic regression with balanced classes, and fold it into tables."""
    unigrams = count_unigrams(tokens, len(vocabulary))
    blocks = [(unigrams, TOKEN_WEIGHT), (count_bigrams(tokens, recipe.buckets), TOKEN_WEIGHT)]
    spelled = spelling(vocabulary, recipe.characters)
    blocks.append((unigrams @ spelled, CHARACTER_WEIGHT))
    importance = np.concatenate([weight * rarity(block) for block, weight in blocks])
    used = np.flatnonzero(importance)
    scaled = sparse.hstack([block for block, _ in blocks], format="csc")[:, used] @ sparse.diags(importance[used])
    model = LogisticRegression(
        C=recipe.inverse_regularization, class_weight="balanced", max_iter=500, tol=1e-3, random_state=recipe.seed
    ).fit((sparse.diags(1 / _lengths(tokens)) @ scaled).tocsr(), labels, sample_weight=weights)
    rows = np.zeros((len(importance), len(LABELS)))
    rows[used] = model.coef_.T * importance[used, None]
    by_token, by_bucket, by_character = np.split(rows, [len(vocabulary), len(vocabulary) + recipe.buckets])
    return Tables(by_token + spelled @ by_character, by_bucket, model.intercept_)


def _lengths(tokens: Sequence[Sequence[int]]) -> np.ndarray:
    return np.sqrt([max(len(ids), 1) for ids in tokens])


def count_unigrams(tokens: Sequence[Sequence[int]], vocabulary: int) -> sparse.csr_matrix:
    """Counts of each token in each text, [N, V]."""
    return _count([np.asarray(ids, dtype=np.int64) for ids in tokens], vocabulary)


def count_bigrams(tokens: Sequence[Sequence[int]], buckets: int) -> sparse.csr_matrix:
    """Counts of token pairs by bucket in each text, [N, B]; the last token is paired with 0."""
    if not buckets:
        return sparse.csr_matrix((len(tokens), 0))
    padded = [np.asarray([*ids, 0], dtype=np.int64) for ids in tokens]
    return _count([(ids[:-1] * FIRST + ids[1:] * SECOND) % buckets for ids in padded], buckets)


def _count(rows: Sequence[np.ndarray], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows) if rows else np.array([], dtype=np.int64)
    counts = sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), width))
    counts.sum_duplicates()
    return counts


def spelling(vocabulary: Sequence[str], lengths: tuple[int, int] | None) -> sparse.csr_matrix:
    """Counts of character n-grams in each token, [V, G]; `<` begins a word and `>` ends a token."""
    known: dict[str, int] = {}
    rows = [[known.setdefault(gram, len(known)) for gram in _spelled(piece, lengths)] for piece in vocabulary]
    return _count([np.asarray(row, dtype=np.int64) for row in rows], len(known))


def _spelled(piece: str, lengths: tuple[int, int] | None) -> list[str]:
    if lengths is None or piece in SPECIAL:
        return []
    letters = f"{piece.removeprefix(CONTINUED)}>" if piece.startswith(CONTINUED) else f"<{piece}>"
    return [
        letters[start : start + length]
        for length in range(lengths[0], lengths[1] + 1)
        for start in range(len(letters) - length + 1)
    ]


def rarity(counts: sparse.csr_matrix) -> np.ndarray:
    """The inverse document frequency of each column, or zero if fewer than two texts have it."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    inverse: np.ndarray = np.where(texts >= 2, np.log((1 + counts.shape[0]) / (1 + texts)) + 1, 0.0)
    return inverse


def _offsets(
    recipe: Recipe,
    vocabulary: list[str],
    tokens: Sequence[Sequence[int]],
    labels: np.ndarray,
    weights: np.ndarray | None,
) -> np.ndarray:
    """The offsets of the bias, from logits of texts that the fold's model has not seen."""
    logits = np.zeros((len(tokens), len(LABELS)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=recipe.seed)
    for number, (seen, unseen) in enumerate(folds.split(logits, labels), start=1):
        print(f"  fold {number} of {FOLDS}", flush=True)
        counted = None if weights is None else weights[seen]
        tables = fit(recipe, vocabulary, [tokens[index] for index in seen], labels[seen], counted)
        logits[unseen] = tables.logits([tokens[index] for index in unseen])
    return best_offsets(logits, labels)


def best_offsets(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Search a shrinking grid for the offsets [3] with the highest macro recall."""
    best = np.zeros(len(LABELS))
    for step in (0.2, 0.1, 0.05, 0.025):
        grid = [best + step * np.array([low, 0, high]) for low in range(-3, 4) for high in range(-3, 4)]
        best = max(grid, key=lambda offsets: macro_recall((logits + offsets).argmax(axis=1), labels))
    return best


def macro_recall(predicted: np.ndarray, labels: np.ndarray) -> float:
    """The mean of the labels' recalls."""
    hits = np.bincount(labels[predicted == labels], minlength=len(LABELS))
    return float(np.mean(hits / np.bincount(labels, minlength=len(LABELS))))
