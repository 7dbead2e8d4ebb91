"""Transitions of a release record: each function returns the next record, most with a history entry."""

from collections.abc import Iterable
from datetime import datetime

from slipway.releases.evidence.tallies import P50, P99, Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry, Phase
from slipway.releases.record.plan import bake_minutes
from slipway.releases.statistics.capital import block_of
from slipway.releases.statistics.comparisons import reference_bounds
from slipway.releases.statistics.dispersion import design_effect
from slipway.releases.strategies.analysis import base_questions, first_capital, known_capital

CONTROLLER = "controller"
_EVERYTHING = 1.0
_P99_OVER = 0.01


def add_entry(
    record: ReleaseRecord, now: datetime, what: str, lines: Iterable[str] = (), *, by: str = ""
) -> ReleaseRecord:
    """Add a history entry and change nothing else."""
    entry = HistoryEntry.model_construct(
        at=now, by=by or CONTROLLER, phase=record.phase, what=what, evidence=tuple(line for line in lines if line)
    )
    return record.model_copy(update={"history": (*record.history, entry)})


def note_refused(record: ReleaseRecord, windows: Iterable[Window], now: datetime) -> ReleaseRecord:
    """Add an entry for each metric of the user's own with values that cannot be counted, once in a release."""
    refused = {what: why for window in windows for what, why in window.refused.items()}
    for what in refused.keys() - {entry.what for entry in record.history}:
        record = add_entry(record, now, what, (refused[what], "minutes with such values are left out"))
    return record


def enter_phase(
    record: ReleaseRecord,
    now: datetime,
    phase: Phase,
    what: str,
    lines: Iterable[str] = (),
    *,
    shares: tuple[float, ...] | None = None,
    by: str = "",
) -> ReleaseRecord:
    """Enter another phase, with new shares if given."""
    update: dict[str, object] = {"phase": phase, "phase_since": now, "minutes": 0.0, "requests": 0.0, "held": False}
    if shares is not None:
        update |= {"shares": shares, "shares_before": record.shares, "shares_since": now}
    return add_entry(record.model_copy(update=update), now, what, lines, by=by)


def enter_step(record: ReleaseRecord, now: datetime, step: int, share: float, lines: Iterable[str]) -> ReleaseRecord:
    """Enter another step of the same phase, in which the candidate has to be proven anew."""
    update = {
        "step": step,
        "minutes": 0.0,
        "requests": 0.0,
        "shares": (share,),
        "shares_before": record.shares,
        "shares_since": now,
        "capitals": tuple(capital.unproven() for capital in record.capitals),
    }
    return add_entry(record.model_copy(update=update), now, f"{100 * share:g} % to the candidate", lines)


def set_shares(record: ReleaseRecord, shares: tuple[float, ...], now: datetime, *, moved: bool) -> ReleaseRecord:
    """Change the shares without a history entry. ``shares_before`` stays if the last shares are not live yet."""
    before = record.shares if moved else record.shares_before
    return record.model_copy(update={"shares": shares, "shares_before": before, "shares_since": now})


def roll_back(
    record: ReleaseRecord, now: datetime, what: str, lines: Iterable[str] = (), *, by: str = ""
) -> ReleaseRecord:
    """Roll back: return all traffic to the stable version."""
    return enter_phase(record, now, Phase.ROLLED_BACK, what, lines, shares=_none(record), by=by)


def finish(record: ReleaseRecord, now: datetime, what: str, lines: Iterable[str] = ()) -> ReleaseRecord:
    """Finish without a promotion."""
    return enter_phase(record, now, Phase.FINISHED, what, lines, shares=_none(record))


def give_all_traffic(
    record: ReleaseRecord,
    now: datetime,
    winner: int,
    lines: Iterable[str] = (),
    *,
    reference: Reference | None = None,
    by: str = "",
) -> ReleaseRecord:
    """Give all traffic to one candidate, which bakes if the strategy has a bake and is promoted otherwise.

    The bake is judged against the stable version's counts next to the candidate or, without any, ``reference``.
    """
    shares = tuple(_EVERYTHING if version == winner else 0.0 for version in record.candidates)
    upper, lower = _reference(record, winner, reference)
    update = {"winner": winner, "reference": upper, "reference_low": lower, "capitals": (), "mismatched": False}
    kept = record.model_copy(update=update)
    what = f"100 % to version {winner}"
    if bake_minutes(record.options):
        return enter_phase(kept, now, Phase.BAKING, what, lines, shares=shares, by=by)
    return enter_phase(kept, now, Phase.PROMOTED, f"{what}, the stable version now", lines, shares=shares, by=by)


def promote(record: ReleaseRecord, now: datetime, lines: Iterable[str] = (), *, by: str = "") -> ReleaseRecord:
    """Make the winner the stable version."""
    return enter_phase(record, now, Phase.PROMOTED, f"version {record.winner} is the stable version", lines, by=by)


def _none(record: ReleaseRecord) -> tuple[float, ...]:
    return (0.0,) * len(record.candidates)


def _reference(
    record: ReleaseRecord, winner: int, reference: Reference | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Bounds on the stable version's means, by what its outcomes are worth if those of a minute are alike."""
    asked = base_questions(record)
    capital = known_capital(record, record.candidates.index(winner), asked)
    if capital is not None:
        n, total = capital.counts.stable_n, capital.counts.stable_sum
    else:
        capital = first_capital(asked, reference)
        block = block_of({}, _with_quantiles(reference), asked)
        n, total = block.stable_n, block.stable_sum
    independent = 1 / design_effect(n / (capital.moments.steps + 1), capital.moments.correlation)
    upper, lower = reference_bounds(asked, n * independent, total * independent)
    return tuple(upper.tolist()), tuple(lower.tolist())


def _with_quantiles(reference: Reference | None) -> dict[str, Tally]:
    """The reference's tallies, with latencies counted over quantiles of that same period."""
    if reference is None:
        return {}
    tallies = dict(reference.tallies)
    requests = tallies.get("errors", Tally(0, 0)).n
    if reference.p50_ms is not None and reference.p99_ms is not None:
        tallies |= {P50: Tally(requests, requests / 2), P99: Tally(requests, requests * _P99_OVER)}
    return tallies
