"""The tables of `slipway release simulate`, by strategy; each fits a terminal of 80 columns."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from slipway.config.releases.options import AbTest, Bandit, Interleave, Options
from slipway.releases.simulation.figures import AnyFigures, ExperimentFigures, Figures, ShadowFigures
from slipway.releases.statistics.sample_size import sample_size


def figures_report(found: Sequence[AnyFigures], options: Options, *, title: str, arms: int) -> Group:
    """A table with one row per scenario, and below it what its columns and scenarios are."""
    table = Table("candidate", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for column in _columns(options):
        table.add_column(column, justify="right")
    for each in found:
        table.add_row(each.name, *figure_cells(each))
    scenarios = (Text.assemble((each.name, "bold"), f": {each.what}") for each in found)
    return Group(Text(title, "italic"), Text(), table, Text(), *_explained(options, arms), Text(), *scenarios)


_ENDS = ("better\nwon", "other\nwon", "no\nwinner", "rolled\nback", "\nopen", "minutes\nmedian", "\np99")


def _columns(options: Options) -> tuple[str, ...]:
    """The columns after the first."""
    match options:
        case AbTest():
            return (*_ENDS, "out-\ncomes", "covers\ntruth")
        case Bandit():
            return (*_ENDS, "out-\ncomes", "\nlost", "if\nequal")
        case Interleave():
            return (*_ENDS, "impres-\nsions")
    if options.strategy == "shadow":
        return ("\nworse", "within\nmargins", "un-\ndecided", "no\nreport", "minutes\nmedian", "\np99", "dis-\nagrees")
    return ("rolled\nback", "\npromoted", "incon-\nclusive", "\nopen", "minutes\nmedian", "\np99", "harmed of\n1,000")


def _explained(options: Options, arms: int) -> Iterator[Text]:
    """The explanation of the columns."""
    match options:
        case AbTest():
            size = sample_size(options, arms=arms)
            yield Text(
                f"planned: {size:,} outcomes per arm, to detect a difference of {options.effect:g} above "
                f"{options.baseline:g} with probability {options.power:g} at a false-positive rate of {options.alpha:g}"
            )
            yield Text(
                "outcomes: per arm, in the median run; covers truth: of the runs that ended with intervals, those "
                "whose intervals hold the true differences"
            )
        case Bandit():
            yield Text(
                "outcomes: of all arms, in the median run; lost: rewards lost per 1,000 requests by not sending all to "
                "the better version, beside the loss of equal shares"
            )
        case Interleave():
            yield Text("impressions: in the median run, including ties")
        case _ if options.strategy == "shadow":
            yield Text(
                "worse, within, undecided: the report's verdict; minutes: until the shadow was first found worse; "
                "disagrees: with the stable version, in the median run"
            )
        case _:
            yield Text(
                "minutes: from the candidate's first traffic to the rollback; harmed: requests failed by the "
                "candidate, per 1,000 requests to the model"
            )


def figure_cells(each: AnyFigures) -> tuple[str, ...]:
    """The cells of a row after its first."""
    minutes = (_number(each.median_minutes), _number(each.p99_minutes))
    match each:
        case Figures():
            ends = [each.rolled_back, each.promoted, each.inconclusive, each.unfinished]
            return (*map(percent, ends), *minutes, f"{each.harmed_per_1000:.2f}")
        case ShadowFigures():
            ends = [each.worse, each.within, each.undecided, each.unfinished]
            return (*map(percent, ends), *minutes, percent(each.disagreement))
        case ExperimentFigures():
            return (*_experiment(each, minutes), *_lost(each))


def _experiment(each: ExperimentFigures, minutes: Sequence[str]) -> Iterator[str]:
    ends = [each.right, each.wrong, each.no_winner, each.rolled_back, each.unfinished]
    yield from map(percent, ends)
    yield from minutes
    yield f"{each.outcomes:,.0f}" if each.outcomes < _THOUSANDS else f"{each.outcomes / 1000:,.0f}k"


def _lost(each: ExperimentFigures) -> Iterator[str]:
    if each.has_intervals:
        yield percent(each.covered)
    lost = (each.lost_per_1000, each.lost_equal_per_1000)
    yield from (f"{value:.2f}" for value in lost if value is not None)


_THOUSANDS = 100_000


def percent(share: float | None) -> str:
    """A share in per cent with three digits, or nothing."""
    return "" if share is None else f"{100 * share:.3g} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
