"""Which labels a look at a release takes in: each once, and with the version that predicted."""

from slipway.monitoring.accuracy import AccuracyCounters
from slipway.monitoring.feedback import BUCKET
from slipway.releases import evidence as keys
from slipway.releases.evidence import Tally, Window
from slipway.releases.record import ReleaseRecord


def with_accuracy(record: ReleaseRecord, last: Window, counters: AccuracyCounters) -> Window:
    """The last window of a look with the labels that came since the look before, of predictions in the release.

    A label can come days after its prediction, so what was counted before is taken from all that is counted by now.
    """
    arms = {version: dict(tallies) for version, tallies in last.arms.items()}
    for version in (record.stable, *record.candidates):
        found = counters.accuracy(record.model, version, record.started_at, last.end + BUCKET)
        seen = record.total(version, keys.ACCURACY)
        new = Tally(found.count - seen.n, found.wrong - seen.total)
        # The counters of a table that was restored can be behind the record: then there is nothing new.
        if new.n > 0 and 0 <= new.total <= new.n:
            arms.setdefault(version, {})[keys.ACCURACY] = new
    return Window(last.start, last.end, arms)
