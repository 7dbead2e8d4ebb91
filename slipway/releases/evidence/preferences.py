"""Count which version's items got more clicks in an interleaving, for the sign test."""

from slipway.config.releases.options import Interleave
from slipway.monitoring.feedback.bucket_sums import BucketSums
from slipway.monitoring.feedback.impressions import WinCounters
from slipway.monitoring.feedback.prediction_ids import release_tag
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.clusters import since
from slipway.releases.evidence.tallies import Tally, Window
from slipway.releases.record.document import ReleaseRecord


def with_preferences(record: ReleaseRecord, last: Window, counters: WinCounters, shown: float) -> Window:
    """The last window with the changes in preferences since the previous look; unchanged for other strategies.

    An impression's result can change as its clicks arrive, so a change in a count may be negative. An impression
    without clicks is a tie. ``shown`` is the number of impressions in the windows of this look. Clicks on the last
    minute's impressions are counted before the impressions are, so the number of ties can be negative for a moment.
    """
    if not isinstance(record.options, Interleave):
        return last
    candidate = record.candidates[0]
    wins = counters.wins(record.model, release_tag(record.salt))
    won, lost = wins.get(candidate, 0), wins.get(record.stable, 0)
    seen = record.total(candidate, keys.PREFERRED)
    decided = Tally(won + lost - seen.n, won - seen.total)
    undecided = Tally(shown - decided.n, 0)
    by_bucket = _by_bucket(record, counters) if record.options.sticky else {}
    clusters = since(by_bucket, record.clustered(candidate, keys.PREFERRED))
    last = last.with_tally(candidate, keys.PREFERRED, decided, clusters)
    return last.with_tally(candidate, keys.TIES, undecided)


def _by_bucket(record: ReleaseRecord, counters: WinCounters) -> BucketSums:
    """The decided impressions and those that the candidate won, by bucket."""
    found = counters.wins_by_bucket(record.model, release_tag(record.salt))
    return {bucket: (sum(wins.values()), wins.get(record.candidates[0], 0)) for bucket, wins in found.items()}
