"""Histories against a model of the online store: what it answered at a time is what the join answers, and the replay.

The model is the store in memory, which all implementations are tested with, run through time beside a stream.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.features import MemoryFeatureStore

from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.config.features import HistoryConfig
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.arrow import FEATURES, read_history
from slipway.features.history.compaction import compact_days
from slipway.features.history.files import HistoryFolder, pack_rows
from slipway.features.history.joining import AsOf, PointInTime
from slipway.features.history.rows import Change, HistoryRow, backfill_row, parse_row
from slipway.features.history.timeline import Timeline
from slipway.features.store import FeatureKey, FeatureWrite, from_milliseconds

GROUP = "clicks"
IDS = ("u", "v", "é#1")
BEGIN = 1_700_000_000_000
GROUPS = {
    GROUP: FeatureGroupConfig(
        entity="user",
        ttl_days=20 / 86_400,
        features={
            "count": FeatureConfig(type=FeatureType.INTEGER),
            "spend": FeatureConfig(type=FeatureType.FLOAT),
            "member": FeatureConfig(type=FeatureType.BOOLEAN),
            "city": FeatureConfig(type=FeatureType.STRING),
        },
        history=HistoryConfig(),
    )
}
Query = tuple[str, int, dict[str, Any] | None]


@dataclass
class World:
    """The store through time, what its stream said, and what reads were answered."""

    random: random.Random
    now: int = BEGIN
    sequence: int = 0
    rows: list[HistoryRow] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definitions = FeatureDefinitions(GROUPS)
        self.store = MemoryFeatureStore(self.definitions, clock=lambda: from_milliseconds(self.now))

    def write(self) -> None:
        event = self.now - self.random.choice([0, 0, 0, 7, 2500, 15_000, -900])
        key = self.key()
        write = FeatureWrite(key, self.values(), from_milliseconds(event))
        (result,) = self.store.write([write])
        if result.stored:
            accepted = self.definitions.accept(write, from_milliseconds(self.now))
            self.stream(Change.WRITE, key, accepted.event_milliseconds, accepted.expires_at, accepted.text)

    def remove(self, change: Change) -> None:
        key = self.key()
        stored = self.store._rows.get(key)
        if stored is None:
            return
        if change is Change.EXPIRY and not (stored.expires_at is not None and stored.expires_at * 1000 <= self.now):
            return
        del self.store._rows[key]
        self.stream(change, key, None, None, None)

    def backfill(self) -> None:
        """A write that the store would have had at its event's time."""
        key = self.key()
        write = FeatureWrite(key, self.values(), from_milliseconds(self.now))
        accepted = self.definitions.accept(write, from_milliseconds(self.now))
        tuple(self.store.write([write]))
        self.sequence += 1
        self.rows.append(backfill_row(accepted, added_ms=BEGIN, number=self.sequence))

    def stream(self, change: Change, key: FeatureKey, event: int | None, expires: int | None, text: str | None) -> None:
        self.sequence += 1
        number = str(self.sequence).zfill(40)
        row = HistoryRow(GROUP, key.entity, key.id, change, self.now, number, event, expires, text)
        self.rows += [row] * self.random.choice([1, 1, 1, 2])  # streams deliver at least once

    def read(self) -> None:
        for key in (FeatureKey("user", id, GROUP) for id in IDS):
            row = self.store.read([key]).get(key)
            self.queries.append((key.id, self.now, None if row is None else dict(row.values)))

    def key(self) -> FeatureKey:
        return FeatureKey("user", self.random.choice(IDS), GROUP)

    def values(self) -> dict[str, Any]:
        every = {
            "count": self.random.randint(-(2**63), 2**63 - 1),
            "spend": self.random.choice([1.0, 0.1, 1e-300, self.random.random()]),
            "member": self.random.random() < 0.5,
            "city": self.random.choice(["", "Łódź", 'a "quoted"\nline']),
        }
        chosen = {name: value for name, value in every.items() if self.random.random() < 0.7}
        return chosen or {"count": 1}

    def live(self, steps: int, *, backfills: bool) -> "World":
        acts: list[Callable[[], None]] = [self.write] * 6
        acts += [lambda: self.remove(Change.DELETE), lambda: self.remove(Change.EXPIRY)]
        acts += [self.backfill] * (3 if backfills else 0)
        for _ in range(steps):
            self.now += self.random.choice([1, 1, 40, 900, 4000, 12_000])
            self.random.choice(acts)()
            if self.random.random() < 0.5:
                self.read()
                self.now += self.random.choice([1, 999, 5000, 19_000])
                self.read()
        return self


def place(files: HistoryFolder, rows: list[HistoryRow], shuffler: random.Random) -> None:
    """Store rows in files of any size, in any order."""
    shuffled = shuffler.sample(rows, len(rows))
    while shuffled:
        size = shuffler.randint(1, 20)
        for key, content in pack_rows(shuffled[:size]).items():
            files.put(key, content)
        shuffled = shuffled[size:]


def joined(table: Any, queries: list[Query], as_of: AsOf = AsOf.WRITE) -> list[dict[str, Any] | None]:
    import pyarrow as pa

    ids, times = pa.array([id for id, _, _ in queries], pa.string()), np.array([time for _, time, _ in queries])
    values = table[FEATURES].to_pylist()
    return [
        None if at < 0 else {name: value for name, value in values[at].items() if value is not None}
        for at in PointInTime(table, as_of).find(ids, times)
    ]


def expected(world: World) -> list[dict[str, Any] | None]:
    return [answer for _, _, answer in world.queries]


def typed(answers: list[dict[str, Any] | None]) -> list[Any]:
    """Answers with the types of their values, which == does not compare."""
    return [answer and {name: (type(value), value) for name, value in answer.items()} for answer in answers]


@pytest.mark.parametrize("seed", range(40))
def test_a_join_answers_what_the_store_answered_then(seed: int, tmp_path: Path) -> None:
    world = World(random.Random(seed)).live(80, backfills=seed % 2 == 1)  # noqa: S311
    files = HistoryFolder(tmp_path)
    place(files, world.rows, world.random)
    features = GROUPS[GROUP].features
    assert typed(joined(read_history(files, GROUP, features), world.queries)) == typed(expected(world))
    compact_days(files, GROUP, GROUPS[GROUP], datetime(2100, 1, 1, tzinfo=UTC).date())
    assert {key.rpartition(".")[2] for key in files.keys("")} <= {"parquet"}
    assert typed(joined(read_history(files, GROUP, features), world.queries)) == typed(expected(world))


@pytest.mark.parametrize("seed", range(40))
def test_a_replay_answers_what_the_store_answered_then(seed: int) -> None:
    world = World(random.Random(seed)).live(80, backfills=seed % 2 == 1)  # noqa: S311
    rows = [parse_row(row.line(), GROUP) for row in world.random.sample(world.rows, len(world.rows))]
    lines = {id: Timeline.of(row for row in rows if row.id == id) for id in IDS}
    found = [(lines[id].as_of(time), answer) for id, time, answer in world.queries]
    assert [row and row.values for row, _ in found] == [answer for _, answer in found]


@pytest.mark.parametrize("seed", range(10))
def test_clocks_that_differ_within_a_second_do_not_change_the_order(seed: int, tmp_path: Path) -> None:
    shuffler = random.Random(seed)  # noqa: S311
    rows = [
        HistoryRow(GROUP, "user", "u", Change.WRITE, BEGIN + shuffler.randint(0, 999), f"{n:040}", BEGIN, None, text)
        for n, text in enumerate(f'{{"count":{n}}}' for n in range(20))
    ]
    place(files := HistoryFolder(tmp_path), rows, shuffler)
    table = read_history(files, GROUP, GROUPS[GROUP].features)
    last: list[Query] = [("u", BEGIN + 1000, None)]
    assert joined(table, last) == [{"count": 19}]
    assert Timeline.of(rows).as_of(BEGIN + 1000) == rows[-1]
    # No time shows a row of an earlier sequence after one of a later.
    every: list[Query] = [("u", BEGIN + ms, None) for ms in range(1000)]
    counts = [answer["count"] for answer in joined(table, every) if answer]
    assert counts == sorted(counts)


def test_by_event_a_late_write_is_seen_where_its_event_happened(tmp_path: Path) -> None:
    def row(written: int, event: int, count: int) -> HistoryRow:
        text = f'{{"count":{count}}}'
        return HistoryRow(GROUP, "user", "u", Change.WRITE, BEGIN + written, f"{count:040}", BEGIN + event, None, text)

    rows = [row(1000, 900, 1), row(60_000, 2000, 2)]
    place(files := HistoryFolder(tmp_path), rows, random.Random(1))  # noqa: S311
    table = read_history(files, GROUP, GROUPS[GROUP].features)
    times: list[Query] = [("u", BEGIN + time, None) for time in (899, 950, 2500, 60_000)]
    assert joined(table, times, AsOf.WRITE) == [None, None, {"count": 1}, {"count": 2}]
    assert joined(table, times, AsOf.EVENT) == [None, {"count": 1}, {"count": 2}, {"count": 2}]


def test_a_backfill_that_is_added_again_with_a_correction_holds() -> None:
    definitions = FeatureDefinitions(GROUPS)
    event = from_milliseconds(BEGIN)
    key = FeatureKey("user", "u", GROUP)
    first, second = (definitions.accept(FeatureWrite(key, {"count": n}, event), event) for n in (1, 2))
    rows = [backfill_row(second, added_ms=BEGIN + 5, number=1), backfill_row(first, added_ms=BEGIN, number=9)]
    found = Timeline.of(rows).as_of(BEGIN + 1)
    assert found is not None
    assert found.values == {"count": 2}
