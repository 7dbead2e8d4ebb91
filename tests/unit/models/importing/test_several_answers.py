"""Models with several answers, label maps with holes and tokens without embeddings are refused by name."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from slipway.errors import InputError
from slipway.models.importing.sources.hugging_face import _labels, _require_embeddings
from slipway.models.importing.sources.sklearn_entry import SklearnEntry

X = np.array([[i % 7, i * 3 % 11] for i in range(60)], float)
LABELS = np.array([[i % 2, i % 3 == 0, i % 5 == 0] for i in range(60)], int)
TARGETS = np.array([[i % 2, i % 3] for i in range(60)], int)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "targets", "name"),
    [
        (OneVsRestClassifier(LogisticRegression()), LABELS, "multi-label classification"),
        (MLPClassifier((4,), max_iter=5, random_state=0), LABELS, "multi-label classification"),
        (RandomForestClassifier(3, random_state=0), TARGETS, "multi-output classification"),
        (MultiOutputClassifier(LogisticRegression()), LABELS, "multi-output classification"),
        (RandomForestRegressor(3, random_state=0), TARGETS, "multi-output regression: it predicts 2 values"),
        (make_pipeline(StandardScaler(), LinearRegression()), TARGETS, "multi-output regression: it predicts 2 values"),
        (MultiOutputRegressor(LinearRegression()), TARGETS, "multi-output regression: it predicts 2 values"),
    ],
)
def test_several_answers_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, model: Any, targets: Any, name: str
) -> None:
    fitted = model.fit(X, targets)
    monkeypatch.setattr("slipway.models.importing.sources.sklearn_entry.call_entry", lambda *_: fitted)
    with pytest.raises(InputError, match=name):
        SklearnEntry("a:model")


@pytest.mark.parametrize("model", [OneVsRestClassifier(LogisticRegression()), LinearRegression()])
def test_one_answer_is_taken(monkeypatch: pytest.MonkeyPatch, model: Any) -> None:
    fitted = model.fit(X, TARGETS[:, 1])
    monkeypatch.setattr("slipway.models.importing.sources.sklearn_entry.call_entry", lambda *_: fitted)
    assert "Regression" in SklearnEntry("a:model").kind or "OneVsRest" in SklearnEntry("a:model").kind


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        (
            {1: "neg", 2: "pos"},
            None,
            "no label for output 0; outputs are numbered from 0, and it has 1, 2",
        ),
        ({0: "a", 1: "b"}, "multi_label_classification", "several independent labels for one text"),
        ({0: "a", 1: "b"}, "regression", "for a regression"),
        ({0: "a"}, None, "has 1 label; at least two"),
    ],
)
def test_label_maps_that_do_not_fit_are_refused(labels: dict[int, str], kind: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _labels(SimpleNamespace(num_labels=len(labels), problem_type=kind, id2label=labels))


def test_tokens_without_an_embedding_are_refused_by_name() -> None:
    tokenizer = SimpleNamespace(get_vocab=lambda: {"day": 0, "new": 65})
    with pytest.raises(InputError, match=r"1 token\(s\) without an embedding, e.g. 'new' with id 65"):
        _require_embeddings(tokenizer, SimpleNamespace(vocab_size=65))
    _require_embeddings(tokenizer, SimpleNamespace(vocab_size=66))
