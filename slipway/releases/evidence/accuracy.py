"""Add labels to the evidence of a release: each label once, counted for the version that predicted."""

from collections.abc import Collection

from slipway.config import ModelConfig
from slipway.config.releases.options import AbTest, Options
from slipway.errors import InputError
from slipway.monitoring.accuracy.labels import AccuracyCounters
from slipway.monitoring.feedback.store import BUCKET, bucket
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.clusters import since
from slipway.releases.evidence.tallies import Tally, Window
from slipway.releases.record.document import ReleaseRecord


def with_accuracy(record: ReleaseRecord, last: Window, counters: AccuracyCounters) -> Window:
    """The last window with the labels that arrived since the previous look, for predictions in this release.

    A label can arrive days after its prediction, so the new count is the counter's total minus the record's total.
    """
    if record.running_since is None:
        return last
    # Start at the first whole span in which the candidates had traffic; before that the stable version was alone.
    first = bucket(record.running_since) + BUCKET
    for version in (record.stable, *record.candidates):
        found = counters.accuracy(record.model, version, first, last.end + BUCKET)
        seen = record.total(version, keys.ACCURACY)
        new = Tally(found.count - seen.n, found.wrong - seen.total)
        # After a table restore the counters can be behind the record; then nothing is new.
        if new.n > 0 and 0 <= new.total <= new.n:
            clusters = since(found.buckets, record.clustered(version, keys.ACCURACY))
            last = last.with_tally(version, keys.ACCURACY, new, clusters)
    return last


def check_accuracy(options: Options, name: str, model: ModelConfig, labels: Collection[str]) -> None:
    """Refuse to measure accuracy for a model that never gets an outcome; raises InputError."""
    if not isinstance(options, AbTest) or options.metric != keys.ACCURACY:
        return
    if not labels:
        raise InputError.of("option.metric", f"{name} predicts no labels; measure `reward`")
    if not model.capture.sample:
        problem = "a label counts only where its prediction was captured, and none is"
        raise InputError.of("option.metric", f"{problem}: set `models.{name}.capture.sample` in slipway.yaml")
