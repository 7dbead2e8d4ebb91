"""Which labels a look at a release takes in: each once, and with the version that predicted."""

from collections.abc import Collection

from slipway.config import ModelConfig
from slipway.config.releases import AbTest, Options
from slipway.errors import InputError
from slipway.monitoring.accuracy.labels import AccuracyCounters
from slipway.monitoring.feedback.store import BUCKET, bucket
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Tally, Window
from slipway.releases.record.document import ReleaseRecord


def with_accuracy(record: ReleaseRecord, last: Window, counters: AccuracyCounters) -> Window:
    """The last window of a look with the labels that came since the look before, of predictions in the release.

    A label can come days after its prediction, so what was counted before is taken from all that is counted by now.
    """
    if record.running_since is None:
        return last
    # Before the candidates got traffic, the stable version was alone; the counters are by spans.
    first = bucket(record.running_since) + BUCKET
    arms = {version: dict(tallies) for version, tallies in last.arms.items()}
    for version in (record.stable, *record.candidates):
        found = counters.accuracy(record.model, version, first, last.end + BUCKET)
        seen = record.total(version, keys.ACCURACY)
        new = Tally(found.count - seen.n, found.wrong - seen.total)
        # The counters of a table that was restored can be behind the record: then there is nothing new.
        if new.n > 0 and 0 <= new.total <= new.n:
            arms.setdefault(version, {})[keys.ACCURACY] = new
    return Window(last.start, last.end, arms)


def check_accuracy(options: Options, name: str, model: ModelConfig, labels: Collection[str]) -> None:
    """Refuse to measure what would never have an outcome; raises InputError."""
    if not isinstance(options, AbTest) or options.metric != keys.ACCURACY:
        return
    if not labels:
        raise InputError.of("option.metric", f"{name} predicts no labels; measure `reward`")
    if not model.capture.sample:
        problem = "a label counts only where its prediction was captured, and none is"
        raise InputError.of("option.metric", f"{problem}: set `models.{name}.capture.sample` in slipway.yaml")
