"""The tables of `slipway release simulate`, by strategy."""

from collections.abc import Sequence

from rich.table import Table

from slipway.config.releases import AbTest, Bandit, Interleave, Options
from slipway.releases.simulation.figures import AnyFigures, ExperimentFigures, Figures, ShadowFigures
from slipway.releases.statistics.sample_size import sample_size


def figures_table(found: Sequence[AnyFigures], options: Options, *, title: str, arms: int) -> Table:
    """A table with one row per scenario."""
    columns, caption = _explained(options, arms)
    table = Table("candidate", title=title, title_justify="left", caption=caption, caption_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    for each in found:
        table.add_row(f"{each.name}: {each.what}", *figure_cells(each))
    return table


_ENDS = ("the better won", "another won", "no winner", "rolled back", "open", "minutes, median", "p99")


def _explained(options: Options, arms: int) -> tuple[tuple[str, ...], str]:
    """The columns after the first, and their explanation."""
    match options:
        case AbTest():
            size = sample_size(options, arms=arms)
            return (*_ENDS, "outcomes"), (
                f"planned: {size:,} outcomes per arm, to detect a difference of {options.effect:g} above "
                f"{options.baseline:g} with probability {options.power:g} at a false-positive rate of "
                f"{options.alpha:g}; outcomes: per arm, in the median run"
            )
        case Bandit():
            return (*_ENDS, "outcomes", "lost of 1,000", "equal shares"), (
                "outcomes: of all arms, in the median run; lost: rewards lost per 1,000 requests by not sending all to "
                "the better version, beside the loss of equal shares"
            )
        case Interleave():
            return (*_ENDS, "impressions"), "impressions: in the median run, including ties"
    if options.strategy == "shadow":
        columns = ("worse", "within the margins", "undecided", "no report", "minutes, median", "p99", "disagreement")
        return columns, (
            "worse, within, undecided: the report's verdict; minutes: until the shadow was first found worse; "
            "disagreement: with the stable version, in the median run"
        )
    return ("rolled back", "promoted", "inconclusive", "open", "minutes, median", "p99", "harmed of 1,000"), (
        "minutes: from the candidate's first traffic to the rollback; harmed: requests failed by the candidate, "
        "per 1,000 requests to the model"
    )


def figure_cells(each: AnyFigures) -> tuple[str, ...]:
    """The cells of a row after its first."""
    minutes = (_number(each.median_minutes), _number(each.p99_minutes))
    match each:
        case Figures():
            ends = [each.rolled_back, each.promoted, each.inconclusive, each.unfinished]
            return (*map(_percent, ends), *minutes, f"{each.harmed_per_1000:.2f}")
        case ShadowFigures():
            ends = [each.worse, each.within, each.undecided, each.unfinished]
            return (*map(_percent, ends), *minutes, "" if each.disagreement is None else _percent(each.disagreement))
        case ExperimentFigures():
            ends = [each.right, each.wrong, each.no_winner, each.rolled_back, each.unfinished]
            lost = (each.lost_per_1000, each.lost_equal_per_1000)
            return (
                *map(_percent, ends),
                *minutes,
                f"{each.outcomes:,.0f}",
                *(f"{value:.2f}" for value in lost if value is not None),
            )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
