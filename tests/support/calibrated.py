"""Answers of a known calibration, and the version that gives them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from slipway.models.measurements.calibrating import Scored, calibrate
from slipway.models.measurements.calibration import Array, Calibration
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.steps import Labelled
from support.captures import capture

MODEL = "tiny-sentiment"


def answers(n: int, *, seed: int, truth: Callable[[Array], Array] = lambda scores: scores, low: float = 0.5) -> Scored:
    """Answers with scores between ``low`` and 1, each right with the probability ``truth`` of its score."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(low, 1, n)
    labels = np.array(["positive"] * n, dtype=object)
    return Scored(labels, scores, (rng.random(n) < truth(scores)).astype(float))


def calibration(n: int = 5000, **changed: Any) -> Calibration:
    """The calibration of such answers; their accuracy is 0.75."""
    return calibrate(answers(n, seed=99, **changed))


def captures_of(scored: Scored, hour: datetime, *, first: int = 0, seconds: int = 3600) -> list[Capture]:
    """The captures of some answers, spread over one hour or part of it."""
    n = len(scored.scores)
    return [
        capture(
            first + place,
            inputs={"text": "good"},
            outputs={"label": scored.labels[place], "score": float(scored.scores[place])},
            at=hour + timedelta(seconds=int(place * seconds / n)),
            model=MODEL,
        )
        for place in range(n)
    ]


def labelled_of(
    captures: Sequence[Capture], scored: Scored, probability: float | Sequence[float] | None = None
) -> list[Labelled]:
    """The same with their true answers."""
    each = probability if isinstance(probability, Sequence) else [probability] * len(captures)
    return [
        Labelled(
            id=one.id,
            version=one.version,
            predicted=one.outputs["label"],
            true=one.outputs["label"] if right else "negative",
            score=one.outputs["score"],
            probability=chance,
        )
        for one, right, chance in zip(captures, scored.right, each, strict=True)
    ]
