"""Compares a human who answered without seeing the model's answers, with the model and with the true answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.statistics.intervals import Interval, bernstein_interval, betting_interval, share_interval


@dataclass(frozen=True, slots=True)
class HumanAnswer:
    """One record with the human's and the model's answer, each as feedback has them."""

    id: str
    human: Mapping[str, Any]
    model: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shares with intervals that are valid after any number of answers.

    ``agreement`` is how often the human and the model say the same. Of the ``labelled`` records whose true answer is
    known, ``human`` and ``model`` are how often each is right, and ``difference`` is the first less the second.
    """

    answers: int
    agreement: Interval
    labelled: int
    human: Interval | None
    model: Interval | None
    difference: Interval | None


_LONG = 20_000


def compare(answers: Sequence[HumanAnswer], true: Mapping[str, Any], *, alpha: float = 0.05) -> Comparison:
    """Compare answers that are a simple random sample; ``true`` has the true answers by id, as `Labelled` has them."""
    agreed = sum(same(each.human, each.model) for each in answers)
    known = [each for each in answers if each.id in true]
    human = np.array([is_true(each.human, true[each.id]) for each in known], dtype=float)
    model = np.array([is_true(each.model, true[each.id]) for each in known], dtype=float)
    by_human, by_model, difference = None, None, None
    if known:
        by_human, by_model = (share_interval(float(each.sum()), len(known), alpha) for each in (human, model))
        interval = betting_interval if len(known) < _LONG else bernstein_interval
        difference = interval(human - model, alpha, low=-1.0, high=1.0)
    agreement = share_interval(float(agreed), float(len(answers)), alpha)
    return Comparison(len(answers), agreement, len(known), by_human, by_model, difference)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers are the same; sets of labels in any order."""
    return one.keys() == other.keys() and all(_plain(value) == _plain(other[name]) for name, value in one.items())


def is_true(answer: Mapping[str, Any], true: object) -> bool:
    """Whether an answer is the true one."""
    (value,) = answer.values()
    return bool(_plain(value) == _plain(true))


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, list | tuple) else value
