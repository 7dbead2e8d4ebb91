"""Requests are counted by segment while a release has segments, as lines of the log."""

import json
from typing import Any

from fakes.releases import MemoryReleaseStore
from support.packages import LABELS
from support.releases.records import make_release
from support.serving import PREDICT, Api

from slipway.config import parse_config
from slipway.config.releases.options import Shadow
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.segments import Group
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.stored_evidence import LatencyLimits
from slipway.releases.routing.segments import Segment
from slipway.serving.prediction.live_releases import LiveReleases
from slipway.serving.slot.releases import SlotReleases

MODEL = "tiny-sentiment"
LIMITS = LatencyLimits(p50_ms=1e9, p99_ms=0)


def released(table: MemoryReleaseStore, **changes: Any) -> ReleaseRecord:
    """A release, counted by the text of the records, whose candidate has no share."""
    record = table.start(make_release(MODEL, segments=(Segment("text", ("good", "bad")),)))
    running = {"phase": Phase.RUNNING, "shares": (0.0,), "limits": LIMITS, **changes}
    return table.save(record.model_copy(update=running))


def asked(api: Api, table: MemoryReleaseStore, *texts: str, **changes: Any) -> int:
    """Send one request; returns the status."""
    with api.client(releases=LiveReleases(api.config, table), **changes) as client:
        return client.post(PREDICT, json={"inputs": [{"text": text} for text in texts]}).status_code


def groups(api: Api) -> dict[tuple[int, int], dict[str, float]]:
    """What the segment lines add, by version and group."""
    found = [line["segment"] for line in api.lines() if "segment" in line]
    named = ("time", "tag", "version", "segment", "group")
    return {
        (each["version"], each["group"]): {key: value for key, value in each.items() if key not in named}
        for each in found
    }


def test_each_group_of_a_request_counts_once_and_other_values_together(api: Api) -> None:
    released(table := MemoryReleaseStore(), labels=LABELS)

    assert asked(api, table, "good", "good", "bad", "made up", "and this") == 200

    found = groups(api)
    assert set(found) == {(1, 0), (1, 1), (1, 2)}
    for counts in found.values():
        # The stable version is held to its own quantiles, of which this test makes one endless and one nothing.
        fixed = {name: counts.get(name, 0) for name in ("parts", "timed", "p50", "p99", "scored", "labeled")}
        assert fixed == {"parts": 1, "timed": 1, "p50": 0, "p99": 1, "scored": 1, "labeled": 1}
        assert sum(counts.get(f"label{place}", 0) for place, _ in enumerate(LABELS)) == 1
    assert not any(text in line for text in ("made up", "and this") for line in api.written)


def test_a_failure_counts_for_the_groups_of_its_batch(api: Api) -> None:
    class Broken:
        manifest = api.models[MODEL, 1].manifest

        def predict(self, records: Any) -> Any:
            raise RuntimeError("broken")

    released(table := MemoryReleaseStore())
    models = {**api.models, (MODEL, 1): Broken()}
    assert asked(api, table, "bad", "bad", models=models) == 500
    assert groups(api) == {(1, 1): {"parts": 1, "failed": 1}}


def test_until_the_limits_are_known_no_latency_is_counted(api: Api) -> None:
    released(table := MemoryReleaseStore(), limits=None)
    asked(api, table, "good")
    assert "timed" not in groups(api)[1, 0]


def test_after_the_candidates_ran_beside_the_stable_version_no_line_is_written(api: Api) -> None:
    for phase in (Phase.PREPARING, Phase.BAKING, Phase.ROLLED_BACK):
        released(table := MemoryReleaseStore(), phase=phase)
        asked(api, table, "good")
    released(table := MemoryReleaseStore(), options=Shadow())
    asked(api, table, "good")
    assert groups(api) == {}


def test_a_slot_counts_by_the_release_that_it_knows(api: Api) -> None:
    record = released(table := MemoryReleaseStore())
    config = parse_config(f"models: {{{MODEL}: {{tier: heavy, versions: [1, 2], stable: 1}}}}")
    releases = SlotReleases(config, MODEL, 2, table)
    assert releases.segmenting(MODEL) is None
    releases.refresh()
    assert releases.segmenting(MODEL) == record.segmenting


def test_a_busy_server_adds_the_groups_of_many_requests_up() -> None:
    telemetry = BufferedTelemetry("demo", MODEL, {}, clock=lambda: 1.0)
    for _ in range(3):
        with telemetry.request() as event:
            event.count_group(Group("0a", 2, 0, 1), {"parts": 1, "scores": 0.25, "failed": 0})
    lines = [json.loads(line) for line in telemetry.drain().splitlines()]
    (found,) = [line["segment"] for line in lines if "segment" in line]
    assert found == {"time": 1000, "tag": "0a", "version": 2, "segment": 0, "group": 1, "parts": 3, "scores": 0.75}
    assert "segment" not in telemetry.drain()
