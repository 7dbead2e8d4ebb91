"""Recipes for `slipway model distill`, which train on a teacher's probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from recipes.tweets.ngram_graph import ngram_graph
from recipes.tweets.ngrams import (
    CHARACTER_WEIGHT,
    TOKEN_WEIGHT,
    Tables,
    count_bigrams,
    count_unigrams,
    rarity,
    spelling,
)
from recipes.tweets.tokens import encode, pieces, train_tokenizer
from slipway.errors import InputError


def ngrams(
    records: Sequence[Mapping[str, Any]],
    answers: np.ndarray,
    *,
    vocabulary: int = 8000,
    buckets: int = 131_071,
    characters: Sequence[int] | None = None,
    inverse_regularization: float = 1.0,
    iterations: int = 300,
) -> tuple[onnx.ModelProto, str]:
    """The n-gram classifier of `recipes.tweets.ngrams`, fitted to probabilities [N, labels] in place of labels.

    ``records`` have one text each; ``buckets`` is a prime; ``characters`` the shortest and longest character n-gram.
    Returns the graph with int8 tables, and the tokenizer.json.
    """
    texts = _texts(records)
    if answers.shape[1] < 2:
        raise InputError.of("--student", "recipes.students:ngrams needs probabilities, but the teacher returns values")
    spelled = (characters[0], characters[1]) if characters else None
    with threadpool_limits(1):  # a fixed order of summation, so that the bytes are reproducible
        tokenizer = train_tokenizer(texts, vocabulary)
        tokens = encode(tokenizer, texts)
        counts = [count_unigrams(tokens, tokenizer.get_vocab_size()), count_bigrams(tokens, buckets)]
        spellings = spelling(pieces(tokenizer), spelled)
        options = {"inverse_regularization": inverse_regularization, "iterations": iterations}
        tables = _fit(counts, spellings, tokens, answers, **options)
    return ngram_graph("ngrams", tables), tokenizer.to_str()


def _texts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    if any(len(record) != 1 for record in records):
        raise InputError.of("--student", "recipes.students:ngrams needs records of one text")
    return [str(value) for record in records for value in record.values()]


def _fit(
    counts: Sequence[sparse.csr_matrix],
    spellings: sparse.csr_matrix,
    tokens: Sequence[Sequence[int]],
    answers: np.ndarray,
    **options: Any,
) -> Tables:
    """Scaled as `recipes.tweets.ngrams.fit` scales; the weights of spellings are folded into the rows of tokens."""
    blocks = [(counts[0], TOKEN_WEIGHT), (counts[1], TOKEN_WEIGHT), (counts[0] @ spellings, CHARACTER_WEIGHT)]
    importance = np.concatenate([weight * rarity(block) for block, weight in blocks])
    used = np.flatnonzero(importance)
    lengths = sparse.diags(1 / np.sqrt([max(len(ids), 1) for ids in tokens]))
    scaled = sparse.hstack([block for block, _ in blocks], format="csc")[:, used] @ sparse.diags(importance[used])
    learnt, bias = soft_regression((lengths @ scaled).tocsr(), answers, **options)
    weights = np.zeros((len(importance), answers.shape[1]))
    weights[used] = learnt * importance[used, None]
    ends = np.cumsum([block.shape[1] for block, _ in blocks])[:-1]
    by_token, by_bucket, by_spelling = np.split(weights, ends)
    return Tables(by_token + spellings @ by_spelling, by_bucket, bias)


def soft_regression(
    features: sparse.csr_matrix, targets: np.ndarray, *, inverse_regularization: float, iterations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic regression on probabilities: weights [features, labels] and bias [labels].

    Minimizes the cross entropy of ``targets`` [N, labels], summed, plus the squared weights over twice
    ``inverse_regularization``.
    """
    width, labels = features.shape[1], targets.shape[1]
    across = features.T.tocsr()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = flat[:-labels].reshape(width, labels), flat[-labels:]
        logits = features @ weights + bias
        errors = softmax(logits, axis=1) * targets.sum(axis=1, keepdims=True) - targets
        value = -(targets * log_softmax(logits, axis=1)).sum() + (weights**2).sum() / (2 * inverse_regularization)
        slope = across @ errors + weights / inverse_regularization
        return float(value), np.concatenate([slope.ravel(), errors.sum(axis=0)])

    start = np.zeros(width * labels + labels)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    return found.x[:-labels].reshape(width, labels), found.x[-labels:]
