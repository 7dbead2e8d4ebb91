"""Whether labels can be believed: pure checks of a slice's labels by the answers of the version that serves.

A package trained on wrong labels is the better one on wrong labels, so figures on them do not stop it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.models.gates.rules import GateResult
from slipway.models.manifest import Form, Outputs
from slipway.models.prediction.labels import Truth

Answers = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
_DEVIATIONS = 3.0
"""How many standard deviations below chance are no chance any more: one in 740, of labels that are pure noise."""


def label_checks(
    outputs: Outputs, answers: Answers, truth: Sequence[Truth], weights: Floats, *, max_shift: float | None
) -> list[GateResult]:
    """Judge the labels of a slice by the answers of the version that serves; none of a user's own form of answers.

    The shift is the distance between the labels' shares and those that the scores lead one to expect. And labels may
    not rank records the other way round than the version does: worse than chance is no drift, but a wrong feed.
    """
    columns = list(_columns(outputs, answers, truth))
    found = [_agreeing_order(columns)] if columns else []
    if max_shift is not None and columns and outputs.labels:
        found.insert(0, _shift(outputs, columns, weights, max_shift))
    return found


def _columns(outputs: Outputs, answers: Answers, truth: Sequence[Truth]) -> Iterator[tuple[Floats, Floats]]:
    """For each label or value, what the version said, and what is true."""
    if outputs.form in (Form.LABEL, Form.LABELS):
        if all("scores" in answer for answer in answers):
            for name in outputs.labels or ():
                true = [name in each if isinstance(each, tuple) else name == each for each in truth]
                yield np.array([answer["scores"][name] for answer in answers]), np.array(true, np.float64)
    elif outputs.form is Form.VALUE and all("value" in answer for answer in answers):
        yield np.array([answer["value"] for answer in answers], np.float64), np.array(truth, np.float64)
    elif all("values" in answer for answer in answers):
        for at, name in enumerate(outputs.target_names):
            true_values = np.array(truth, np.float64)[:, at]
            yield np.array([answer["values"][name] for answer in answers], np.float64), true_values


def _shift(outputs: Outputs, columns: Sequence[tuple[Floats, Floats]], weights: Floats, allowed: float) -> GateResult:
    expected = np.array([np.average(said, weights=weights) for said, _ in columns])
    observed = np.array([np.average(true, weights=weights) for _, true in columns])
    gaps = np.abs(observed - expected)
    measured = float(gaps.sum() / 2 if outputs.form is Form.LABEL else gaps.max())
    at = int(gaps.argmax())
    name = (outputs.labels or ())[at]
    sentence = (
        f"{100 * observed[at]:.1f} % of the newest labels are {name!r} where the serving version's scores lead one to "
        f"expect {100 * expected[at]:.1f} %; a distance of {measured:.3f}, of at most {allowed:g}"
    )
    return GateResult("label shift", sentence, measured <= allowed, measured, allowed, abs(measured - allowed))


def _agreeing_order(columns: Sequence[tuple[Floats, Floats]]) -> GateResult:
    """Fail if the version's answers and the labels are in opposite orders, by their mean rank correlation."""
    correlations = [_rank_correlation(said, true) for said, true in columns]
    mean = float(np.mean(correlations))
    least = -_DEVIATIONS / math.sqrt(max(len(columns[0][0]) - 1, 1))
    what = f"the rank correlation of the serving version's answers and the newest labels is {mean:.3f}"
    sentence = (
        f"{what}; at least {least:.3f} is required: below that, the labels say the opposite of what it has learned"
    )
    return GateResult("label order", sentence, mean >= least, mean, least, abs(mean - least))


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, from -1 to 1; 0 if one of them is constant."""
    ranks = [_ranks(values) for values in (one, other)]
    deviations = [rank - rank.mean() for rank in ranks]
    scale = math.sqrt(float((deviations[0] ** 2).sum() * (deviations[1] ** 2).sum()))
    return float((deviations[0] * deviations[1]).sum()) / scale if scale else 0.0


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: Floats = (last - (counts - 1) / 2).astype(np.float64)
    return means[inverse]
