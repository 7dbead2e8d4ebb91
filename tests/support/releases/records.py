"""Releases for tests."""

from datetime import UTC, datetime
from typing import Any

from slipway.config.releases.options import Canary, JudgeConfig
from slipway.monitoring.feedback.store import BUCKET
from slipway.releases.record.document import ReleaseRecord, new_record
from slipway.releases.record.phases import HistoryEntry, Phase
from slipway.releases.record.store import ReleaseStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def make_release(model: str = "sentiment", **changes: Any) -> ReleaseRecord:
    """A canary of version 2 over version 1 that has not begun."""
    settings: dict[str, Any] = {
        "model": model,
        "tier": "light",
        "stable": 1,
        "candidates": (2,),
        "options": Canary(),
        "judge": JudgeConfig(),
        "labels": ("negative", "positive"),
        "now": NOW,
        "by": "ann",
    }
    return new_record(**{**settings, **changes})


def promoted(store: ReleaseStore, model: str, version: int) -> None:
    """Store a release of a light model that has ended with this version as the stable one."""
    record = store.start(make_release(model, candidates=(version,)))
    store.save(record.model_copy(update={"phase": Phase.PROMOTED, "winner": version, "settled": True}))


def with_traffic(record: ReleaseRecord, since: datetime = NOW - BUCKET) -> ReleaseRecord:
    """The release with its candidates' first traffic some time ago: by default, all spans from `NOW` on count."""
    entry = HistoryEntry(at=since, by="controller", phase=Phase.RUNNING, what="running")
    return record.model_copy(update={"history": (*record.history, entry)})
