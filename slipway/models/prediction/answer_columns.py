"""The answers of built-in tasks as columns: the same values as `answers_of` makes record by record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.models.manifest import Form, Outputs
from slipway.models.prediction.answers import SUM_TOLERANCE, Answer, rounded_scores, shortest_decimal, width

Numbers = NDArray[Any]
Column = Sequence[Any] | Numbers


@dataclass(frozen=True, slots=True)
class AnswerColumns:
    """Answers by column: ``main`` has the field that the form is called by, ``score`` and ``scores`` what goes with it.

    ``main`` are labels, lists of labels, values, or the values by target; ``scores`` are by label.
    """

    form: Form
    main: Column | Mapping[str, Column]
    score: Column | None = None
    scores: Mapping[str, Column] | None = None


def answer_columns(outputs: Outputs, numbers: Numbers) -> AnswerColumns | None:
    """Turn the graph's numbers into columns; None if `answers_of` must look at each row, or refuse it.

    That is so if a row is not what the manifest says, or if the numbers are not float32, whose scores alone are rounded
    here as Python rounds them: six decimals of a float32 are an exact product in float64.
    """
    if numbers.dtype != np.float32 or numbers.ndim != 2 or numbers.shape[1] != width(outputs):
        return None
    if outputs.form in (Form.VALUE, Form.VALUES):
        return _values(outputs, numbers)
    exact = numbers.astype(np.float64)
    if not _are_probabilities(exact, sum_to_one=outputs.form is Form.LABEL):
        return None
    names, scores = outputs.labels or (), rounded_scores(exact)
    by_label = {name: scores[:, at] for at, name in enumerate(names)}
    if outputs.form is Form.LABELS:
        over = scores > np.array([outputs.threshold(name) for name in names])
        return AnswerColumns(Form.LABELS, [[names[at] for at in row.nonzero()[0]] for row in over], scores=by_label)
    best = exact.argmax(axis=1)
    return AnswerColumns(
        Form.LABEL, np.array(names, object)[best].tolist(), scores[np.arange(len(scores)), best], by_label
    )


def _are_probabilities(rows: Numbers, *, sum_to_one: bool) -> bool:
    if not np.isfinite(rows).all() or rows.min(initial=0) <= -SUM_TOLERANCE:
        return False
    if sum_to_one:
        return bool((np.abs(rows.sum(axis=1) - 1) < SUM_TOLERANCE).all())
    return bool(rows.max(initial=0) < 1 + SUM_TOLERANCE)


def _values(outputs: Outputs, numbers: Numbers) -> AnswerColumns | None:
    if not np.isfinite(numbers).all():
        return None
    decimals = [[shortest_decimal(value) for value in column] for column in numbers.T]
    if outputs.form is Form.VALUE:
        return AnswerColumns(Form.VALUE, decimals[0])
    return AnswerColumns(Form.VALUES, dict(zip(outputs.target_names, decimals, strict=True)))


def columns_of(form: Form, answers: Sequence[Answer]) -> AnswerColumns:
    """The same of answers that `answers_of` has made."""
    if not answers:
        return AnswerColumns(form, {} if form is Form.VALUES else [], [] if form is Form.LABEL else None)
    scores = _by_name([answer["scores"] for answer in answers]) if "scores" in answers[0] else None
    score = [answer["score"] for answer in answers] if form is Form.LABEL else None
    if form is Form.VALUES:
        return AnswerColumns(form, _by_name([answer["values"] for answer in answers]))
    return AnswerColumns(form, [answer[form] for answer in answers], score, scores)


def _by_name(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def chosen_answers(answers: AnswerColumns, rows: NDArray[np.intp]) -> AnswerColumns:
    """The answers of some rows."""
    main = answers.main
    return AnswerColumns(
        answers.form,
        {name: _chosen(column, rows) for name, column in main.items()}
        if isinstance(main, Mapping)
        else _chosen(main, rows),
        None if answers.score is None else _chosen(answers.score, rows),
        None if answers.scores is None else {name: _chosen(column, rows) for name, column in answers.scores.items()},
    )


def _chosen(column: Column, rows: NDArray[np.intp]) -> Column:
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]


def answer_rows(answers: AnswerColumns) -> list[Answer]:
    """The answers one by one: what `columns_of` was made of."""
    scores = [dict(zip(answers.scores, row, strict=True)) for row in _rows(answers.scores)] if answers.scores else []
    match answers.form:
        case Form.LABEL:
            main, score = _plain(answers.main), _plain(answers.score)
            return [
                {"label": label, "score": best, "scores": row}
                for label, best, row in zip(main, score, scores, strict=True)
            ]
        case Form.LABELS:
            return [{"labels": labels, "scores": row} for labels, row in zip(_plain(answers.main), scores, strict=True)]
        case Form.VALUE:
            return [{"value": value} for value in _plain(answers.main)]
        case Form.VALUES:
            targets: Any = answers.main
            return [{"values": dict(zip(targets, row, strict=True))} for row in _rows(targets)]


def _rows(columns: Mapping[str, Column]) -> Iterator[tuple[Any, ...]]:
    return zip(*(_plain(column) for column in columns.values()), strict=True)


def _plain(column: Any) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)
