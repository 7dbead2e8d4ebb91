"""Recipes that train on probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from support.compressible import make_mood_package, mood_rows, write_jsonl

from recipes.students import ngrams, soft_regression
from slipway.errors import InputError
from slipway.models.compression.distill import Distilling, distill
from slipway.models.compression.job import CompressionJob

OPTIONS: dict[str, Any] = {"vocabulary": 150, "buckets": 211, "inverse_regularization": 5.0}


def test_hard_targets_give_what_scikit_learn_gives() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(90, 5))
    labels = (features @ draw.normal(size=(5, 3)) + draw.normal(size=(90, 3))).argmax(axis=1)
    weights, bias = soft_regression(
        sparse.csr_matrix(features), np.eye(3)[labels], inverse_regularization=0.7, iterations=500
    )
    theirs = LogisticRegression(C=0.7, tol=1e-8, max_iter=2000).fit(features, labels).predict_proba(features)
    logits = features @ weights + bias
    ours = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(ours - theirs).max() < 2e-3


def test_soft_targets_are_met() -> None:
    """With two features that occur alone, the probabilities of each are reproduced."""
    targets = np.array([[0.7, 0.3], [0.1, 0.9]])
    weights, bias = soft_regression(
        sparse.identity(2, format="csr"), targets, inverse_regularization=1e6, iterations=500
    )
    logits = weights + bias
    assert np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) == pytest.approx(targets, abs=1e-3)


def test_the_ngram_student_learns_a_transformer_like_teacher(tmp_path: Path) -> None:
    teacher = make_mood_package(tmp_path / "moods" / "1")
    texts = write_jsonl(tmp_path / "texts.jsonl", [{"text": row["text"]} for row in mood_rows(600, seed=4)])
    held_out = write_jsonl(tmp_path / "held-out.jsonl", mood_rows(100, seed=8))
    job = CompressionJob(teacher, texts, tmp_path / "students" / "1", command="test", seconds=0.02)
    made = distill(
        job, Distilling("recipes.students:ngrams", name="small-moods", held_out=held_out, parameters=OPTIONS)
    )
    assert made.report.agreement > 0.9
    assert made.report.after.quality["macro_recall"] > 0.9
    assert made.package.manifest.graph.inputs == ("input_ids",)
    assert made.package.manifest.training.teacher == "moods:1"


def test_values_cannot_be_learned() -> None:
    with pytest.raises(InputError, match="the teacher returns values"):
        ngrams([{"text": "a"}], np.array([[1.0]]))


def test_records_have_one_text() -> None:
    with pytest.raises(InputError, match="one text"):
        ngrams([{"title": "a", "text": "b"}], np.array([[0.5, 0.5]]))
