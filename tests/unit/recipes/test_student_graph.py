"""The student's graph against the same sums in NumPy."""

import numpy as np
import pytest
from scipy.special import softmax

from recipes.graphs import run_graph
from recipes.tweets.student.graph import Convolution, Weights, student_graph

ROW, FILTERS, PIECES = 6, 5, 30
LARGEST = 255.0 * np.array([1, 10, 20, 50, 100])


@pytest.fixture(scope="module")
def weights() -> Weights:
    draw = np.random.default_rng(2)
    # Rows of whole numbers up to 127 are exact in int8.
    rows = draw.integers(-127, 128, size=(PIECES, ROW)).astype(float)
    rows[0], rows[1] = 0, 127
    # So are filters of whole numbers up to 63; of their answers, what `largest` splits into 255 steps.
    convolutions = [
        Convolution(whole_filters(draw, width), draw.integers(-900, 900, FILTERS).astype(float), LARGEST)
        for width in (1, 2, 3, 4)
    ]
    return Weights(rows, convolutions, draw.normal(size=(4 * FILTERS + ROW, 3)) / 5000, draw.normal(size=3))


def whole_filters(draw: np.random.Generator, width: int) -> np.ndarray:
    filters = draw.integers(-63, 64, size=(FILTERS, ROW, width))
    filters[:, 0, 0] = 63
    return filters.astype(float)


def by_hand(weights: Weights, ids: list[int]) -> np.ndarray:
    """The outputs for one text, computed position by position."""
    rows = weights.rows[ids]
    features = []
    for each in weights.convolutions:
        padded = np.vstack([np.zeros((each.before, ROW)), rows, np.zeros((each.after, ROW))])
        width = each.filters.shape[2]
        places = [np.einsum("fcw,wc->f", each.filters, padded[at : at + width]) for at in range(len(ids))]
        largest = np.clip(np.array(places) + each.bias, 0, each.largest).max(axis=0)
        features.append(np.rint(largest / each.largest * 255) / 255 * each.largest)
    features.append(rows.sum(axis=0) / np.sqrt(len(ids)))
    return np.asarray(softmax(np.concatenate(features) @ weights.dense + weights.bias))


TEXTS = [[2, 5, 9, 3, 8, 8, 21, 7], [4], [11, 29, 6], [1, 1]]


def padded(texts: list[list[int]], length: int) -> np.ndarray:
    return np.array([text + [0] * (length - len(text)) for text in texts])


def test_it_answers_what_the_sums_say(weights: Weights) -> None:
    found = run_graph(student_graph("s", weights), {"input_ids": padded(TEXTS, 8)})
    assert found == pytest.approx(np.array([by_hand(weights, text) for text in TEXTS]), abs=1e-5)


def test_padding_changes_nothing(weights: Weights) -> None:
    graph = student_graph("s", weights)
    alone = np.vstack([run_graph(graph, {"input_ids": np.array([text])}) for text in TEXTS])
    assert run_graph(graph, {"input_ids": padded(TEXTS, 40)}) == pytest.approx(alone, abs=1e-6)


def test_a_text_of_padding_alone_has_an_answer(weights: Weights) -> None:
    assert np.isfinite(run_graph(student_graph("s", weights), {"input_ids": np.zeros((1, 1), np.int64)})).all()
