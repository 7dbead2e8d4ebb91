"""Notify the SNS topic's subscribers of a release's progress."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.aws.topic import Topic
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry


class SnsNotifier:
    """A `Notifier` that publishes to one topic; ``options`` are passed to the boto3 client."""

    def __init__(self, topic: str, options: Mapping[str, Any]) -> None:
        self._topic = Topic(topic, options)

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None:
        """Publish one message per entry, in order; raises UnavailableError."""
        for entry in entries:
            self._topic.publish(f"{record.model}: {entry.what}", message(record, entry))


def message(record: ReleaseRecord, entry: HistoryEntry) -> str:
    """What happened and why, for people."""
    shares = ", ".join(f"{100 * share:g} % version {version}" for version, share in record.weights.items())
    lines = [
        f"Release {record.id} of {record.model} ({record.options.strategy})",
        f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, {entry.by}: {entry.what}",
        f"Phase: {entry.phase.value}. {entry.phase.sentence}",
        f"Traffic wanted now: {shares}",
        *(f"- {line}" for line in entry.evidence),
    ]
    return "\n".join(lines)
