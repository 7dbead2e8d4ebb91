"""The true answers of the sample records, under the names of the package."""

from collections.abc import Mapping, Sequence

from slipway.errors import InputError
from slipway.models.importing.decisions import Decision
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Traits
from slipway.models.manifest import Form
from slipway.models.prediction.labels import Truth, find_label, find_labels
from slipway.records.cells import almost_number, finite_number
from slipway.records.rows import shown

_SHOWN = 5


def true_answers(decision: Decision, traits: Traits, samples: Samples) -> list[Truth] | None:
    """The true answer of each sample record, or None if the samples have none.

    Labels get the package's names, since ``labels`` may have renamed the original's.

    Raises:
        InputError: an answer is missing, is not of the form that the model gives, or has an unknown label.
    """
    if samples.label_column is None and not samples.answer_columns:
        return None
    match decision.outputs.form:
        case Form.LABEL:
            return list(_true_labels(decision, traits, samples))
        case Form.LABELS:
            return list(_true_label_sets(decision, samples))
        case Form.VALUE:
            return [_number(samples, at, label) for at, label in enumerate(samples.labels or [])]
        case Form.VALUES:
            return list(_true_values(decision.outputs.target_names, samples))


def _true_labels(decision: Decision, traits: Traits, samples: Samples) -> list[str]:
    labels = decision.labels or ()
    renamed: dict[str, str] = dict(zip(traits.classes or (), labels, strict=False))
    by_number = decision.task == "text-classification"
    named = [_named(label, labels, renamed, by_number=by_number) for label in samples.labels or []]
    if unknown := sorted(set(named) - set(labels)):
        shown_ones, known = ", ".join(unknown[:_SHOWN]), ", ".join(labels)
        message = f"{samples.label_column} has {shown_ones}, but the model's labels are {known}"
        raise InputError.of("--label-column", message)
    return named


def _named(label: str | float, labels: Sequence[str], renamed: Mapping[str, str], *, by_number: bool) -> str:
    """The package's name of a label, which the samples have under that name or under the original's."""
    own = find_label(label, labels, by_number=by_number)
    if own is not None:
        return own
    original = find_label(label, tuple(renamed), by_number=by_number)
    return str(label) if original is None else renamed[original]


def _true_label_sets(decision: Decision, samples: Samples) -> list[tuple[str, ...]]:
    labels = decision.labels or ()
    columns = samples.answer_columns
    if columns and set(columns) != set(labels):
        message = f"names {', '.join(columns)}, but the model's labels are {', '.join(labels)}; name the columns alike"
        raise InputError.of("--label-column", message)
    by_number = decision.task == "text-classification"
    found = []
    for at, row in enumerate(samples.rows):
        several = find_labels(row, samples.label_column or "", labels, by_number=by_number)
        if several is None:
            forms = f"needs a list, or a column with 1 or 0 for each, of {', '.join(labels)}"
            raise InputError.of(_place(samples, at), f"{forms}, not {_shown_answer(samples, row)}")
        found.append(several)
    return found


def _true_values(targets: tuple[str, ...], samples: Samples) -> list[tuple[float, ...]]:
    """The values in the targets' order, from columns of their names, or else from as many columns in their order."""
    columns = samples.answer_columns
    if len(columns) != len(targets):
        named = ", ".join(columns) or samples.label_column
        message = f"names {named}; name a column for each of {', '.join(targets)}, separated by commas"
        raise InputError.of("--label-column", message)
    order = targets if set(columns) == set(targets) else columns
    return [
        tuple(_number(samples, at, row.get(column), column) for column in order) for at, row in enumerate(samples.rows)
    ]


def _number(samples: Samples, at: int, value: object, column: str | None = None) -> float:
    number = finite_number(value)
    if number is None:
        hint = almost_number(str(value)) or "write a number"
        place = f"{samples.place(at)}, {column or samples.label_column}"
        raise InputError.of(place, f"a regression needs a finite number, not {shown(value)}; {hint}")
    return number


def _place(samples: Samples, at: int) -> str:
    return f"{samples.place(at)}, {samples.label_column or ', '.join(samples.answer_columns)}"


def _shown_answer(samples: Samples, row: Mapping[str, object]) -> str:
    if samples.label_column is not None:
        return shown(row.get(samples.label_column))
    return shown([row.get(column) for column in samples.answer_columns])
