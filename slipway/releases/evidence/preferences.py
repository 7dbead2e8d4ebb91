"""Which version's items were clicked more, as counts of an interleaving: what the sign test is made of."""

from slipway.config.releases import Interleave
from slipway.monitoring.feedback.impressions import WinCounters
from slipway.monitoring.feedback.prediction_ids import release_tag
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Tally, Window
from slipway.releases.record.document import ReleaseRecord


def with_preferences(record: ReleaseRecord, last: Window, counters: WinCounters, shown: float) -> Window:
    """The last window of a look with what changed since the look before; other strategies' as it is.

    An impression moves from one result to another as its clicks come, so what is added to a count may be less than 0.
    What nobody has clicked is a tie. ``shown`` is how many impressions there were in the windows of this look; clicks
    on those of the last minute are counted before they are, so for a moment there can be less than no ties.
    """
    if not isinstance(record.options, Interleave):
        return last
    candidate = record.candidates[0]
    wins = counters.wins(record.model, release_tag(record.salt))
    won, lost = wins.get(candidate, 0), wins.get(record.stable, 0)
    seen = record.total(candidate, keys.PREFERRED)
    decided = Tally(won + lost - seen.n, won - seen.total)
    undecided = Tally(shown - decided.n, 0)
    arms = {version: dict(tallies) for version, tallies in last.arms.items()}
    arms.setdefault(candidate, {}).update({keys.PREFERRED: decided, keys.TIES: undecided})
    return Window(last.start, last.end, arms)
