"""Every release store does the same."""

from datetime import timedelta
from typing import Any

import pytest
from support.releases.records import NOW, make_release

from slipway.errors import ConflictError, StaleError, UnavailableError
from slipway.releases.record.phases import HistoryEntry, Phase
from slipway.releases.record.store import ReleaseStore
from slipway.releases.record.table import DynamoReleaseStore
from slipway.releases.routing.release import Candidate


def test_a_release_comes_back_as_it_was_started(store: ReleaseStore) -> None:
    assert store.current(["sentiment"]) == []
    started = store.start(make_release())
    assert started.revision == 1
    assert store.current(["sentiment", "other"]) == [started]
    assert store.past("sentiment") == []


def test_a_second_start_names_the_active_release(store: ReleaseStore) -> None:
    first = store.start(make_release())
    with pytest.raises(ConflictError, match=first.id):
        store.start(make_release(candidates=(3,)))
    assert store.current(["sentiment"]) == [first]
    store.start(make_release("other"))


def test_only_the_last_revision_can_be_changed(store: ReleaseStore) -> None:
    first = store.start(make_release())
    second = store.save(first.model_copy(update={"step": 1}))
    assert second.revision == 2
    with pytest.raises(StaleError, match=first.id):
        store.save(first.model_copy(update={"step": 2}))
    assert store.current(["sentiment"]) == [second]


def test_one_that_was_never_started_cannot_be_changed(store: ReleaseStore) -> None:
    with pytest.raises(StaleError):
        store.save(make_release())


def test_ended_releases_are_kept_and_give_way(store: ReleaseStore) -> None:
    for hours in range(3):
        record = store.start(make_release(now=NOW + timedelta(hours=hours)))
        ended = store.save(record.model_copy(update={"phase": Phase.ROLLED_BACK}))
        with pytest.raises(ConflictError, match=record.id):
            store.start(make_release())
        store.save(ended.model_copy(update={"settled": True}))
    past = store.past("sentiment")
    assert [record.started_at - NOW for record in past] == [timedelta(hours=hours) for hours in (2, 1, 0)]
    assert store.current(["sentiment"]) == past[:1]
    assert past[0].revision > past[1].revision


def test_what_serves_follows_the_record(store: ReleaseStore) -> None:
    assert store.serving(["sentiment"]) == {}
    record = store.start(make_release())
    running = store.save(record.model_copy(update={"phase": Phase.RUNNING, "shares": (0.25,)}))
    serving = store.serving(["sentiment", "other"], consistent=True)["sentiment"]
    assert serving.release == running.serving
    assert serving.release.candidates == (Candidate(2, 0.25),)
    assert (serving.id, serving.revision, serving.active) == (record.id, 2, True)
    store.save(running.model_copy(update={"phase": Phase.PROMOTED, "winner": 2, "settled": True}))
    after = store.serving(["sentiment"])["sentiment"]
    assert (after.release.stable, after.release.candidates, after.active) == (2, (), False)


def test_an_item_of_somebody_else_is_named(dynamodb: Any, control_table: str) -> None:
    key: dict[str, Any] = {"pk": {"S": "model#sentiment"}, "sk": {"S": "release"}}
    dynamodb().put_item(TableName=control_table, Item={**key, "record": {"S": "{}"}})
    with pytest.raises(UnavailableError, match="model#sentiment / release"):
        DynamoReleaseStore(control_table, client=dynamodb).current(["sentiment"])


def test_a_history_that_is_too_long_keeps_the_evidence_of_its_last_entries(store: ReleaseStore) -> None:
    """A release must not be kept from its rollback because much has happened."""
    record = store.start(make_release())
    entries = [
        HistoryEntry(at=NOW, by="controller", phase=Phase.RUNNING, what=f"step {number}", evidence=("x" * 2000,))
        for number in range(300)
    ]
    store.save(record.model_copy(update={"history": (*record.history, *entries), "told": 301}))
    kept = store.current(["sentiment"])[0]
    assert [entry.what for entry in kept.history[1:]] == [entry.what for entry in entries]
    assert all(entry.evidence for entry in kept.history[-20:])
    assert store.save(kept.model_copy(update={"phase": Phase.ROLLED_BACK})).told == 301
