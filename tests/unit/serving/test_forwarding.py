"""Two slots of one model in an A/B test by a sticky field: whoever is asked, the same value gets the same version."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from pydantic_core import to_json
from support.eventually import until
from support.heavy.slots import CONFIG, FIELD, MODEL, PREDICT, Slot, Slots, home, start
from support.packages import make_regression_package
from support.releases.records import make_release

from slipway.config import parse_config
from slipway.config.api import CALLER_HEADER
from slipway.config.releases.options import AbTest
from slipway.errors import UnavailableError
from slipway.models.bundle import load_models
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.releases.record.phases import Phase
from slipway.releases.routing.buckets import bucket_of
from slipway.serving.apis.models import describe
from slipway.serving.prediction.served import ServedModels
from slipway.serving.slot.releases import SlotReleases


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("bundle")
    for version in (1, 2):
        make_regression_package(root / f"models/price/{version}", name=MODEL, version=version)
    light = parse_config(CONFIG.replace("tier: heavy, ", ""))
    return load_models(light, root)


@pytest.fixture
def slots(loaded: Any) -> Iterator[Slots]:
    store = MemoryReleaseStore()
    record = store.start(make_release(MODEL, tier="heavy", options=AbTest(sticky=FIELD)))
    record = store.save(record.model_copy(update={"phase": Phase.RUNNING, "shares": (0.5,)}))
    made = Slots({}, store, record)
    for version in (1, 2):
        made.by_version[version] = start(made, version, loaded[MODEL, version], store)
    yield made
    for slot in made.by_version.values():
        slot.client.__exit__(None, None, None)


def test_whichever_slot_is_asked_a_value_keeps_its_version(slots: Slots) -> None:
    values = range(1, 31)
    for slot in (1, 2):
        found = [made["version"] for made in slots.ask(slot, *values)]
        assert found == [slots.version_of(value) for value in values]
    assert {slots.version_of(value) for value in values} == {1, 2}


def test_answers_come_in_order_by_ids_of_their_versions(slots: Slots) -> None:
    values = [5, 1, 4, 2, 3, 9, 8, 7]
    made = slots.ask(1, *values)
    assert [one["value"] for one in made] == [value + 10.0 for value in values]
    assert [parse_prediction_id(one["id"]).version for one in made] == [slots.version_of(value) for value in values]
    assert len({one["id"] for one in made}) == len(values)


def test_whichever_slot_is_asked_an_id_has_the_bucket_of_its_value(slots: Slots) -> None:
    values = range(1, 31)
    for slot in (1, 2):
        found = [parse_prediction_id(one["id"]).bucket for one in slots.ask(slot, *values)]
        assert found == [bucket_of(str(float(value))) for value in values]


def test_the_slot_that_predicts_writes_one_line_for_each_part_of_a_bucket(slots: Slots) -> None:
    for slot in (1, 2):
        for value in (1, 1, 2, 3, 4):
            slots.ask(slot, value)
    lines = [json.loads(line) for slot in slots.by_version.values() for line in slot.metrics().splitlines()]
    timed = [line for line in lines if "InferenceLatency" in line]
    assert all(isinstance(line["InferenceLatency"], float) for line in timed)
    expected = Counter((str(slots.version_of(v)), str(bucket_of(str(float(v))))) for v in (1, 1, 2, 3, 4) * 2)
    assert Counter((line["Version"], line["Bucket"]) for line in timed) == expected
    predicted = Counter[tuple[str, str]]()
    for line in lines:
        if "Predictions" in line:
            predicted[line["Version"], line["Bucket"]] += line["Predictions"]
    assert predicted == expected


def test_what_was_passed_on_is_captured_and_counted_where_it_was_predicted(slots: Slots) -> None:
    made = slots.ask(1, *range(1, 11))
    here = [one["id"] for one in made if one["version"] == 1]
    there = [one["id"] for one in made if one["version"] == 2]
    own, other = slots.by_version[1].metrics(), slots.by_version[2].metrics()
    assert all(id in own and id not in other for id in here)
    assert all(id in other and id not in own for id in there)
    assert f'"Predictions":{len(here)}' in own
    assert f'"Predictions":{len(there)}' in other
    assert f'"Forwarded":{len(there)}' in own
    assert 'Latency":[' not in own.replace("InferenceLatency", "")


def test_each_slot_has_statistics_of_what_it_predicted_itself(slots: Slots) -> None:
    values = [float(value) for value in range(1, 11)]
    slots.ask(1, *values)
    for version, slot in slots.by_version.items():
        records = sum(slots.version_of(value) == version for value in values)
        found = statistics(slot)
        asyncio.run(until(lambda at=slot, n=records: statistics(at)["execution_count"] == n))
        assert (found["version"], statistics(slot)["inference_count"]) == (str(version), records)
        done = {name: part["count"] for name, part in found["inference_stats"].items() if part["count"]}
        assert done == {"success": 1, "queue": 1, "compute_infer": 1}


def statistics(slot: Slot) -> dict[str, Any]:
    """Triton's statistics of a slot."""
    (found,) = slot.client.get(f"/v2/models/{MODEL}/stats").json()["model_stats"]
    return dict(found)


def test_what_addresses_a_version_is_passed_on_to_nobody(slots: Slots) -> None:
    found = slots.ask(2, *range(1, 11), path=f"/v1/models/{MODEL}/versions/2/predict")
    assert {made["version"] for made in found} == {2}
    assert slots.by_version[1].asked == []
    assert set(slots.by_version[2].asked) <= {f"/v1/models/{MODEL}/versions/2/predict"}


def test_the_other_slot_is_told_who_called(slots: Slots) -> None:
    asked = {"inputs": [home(value) for value in range(1, 11)]}
    caller = {CALLER_HEADER: "203.0.113.7 arn:aws:iam::123456789012:user/ann"}
    slots.by_version[1].client.post(PREDICT, json=asked, headers=caller)
    slots.by_version[1].client.post(PREDICT, json=asked)
    assert slots.by_version[2].callers == [caller[CALLER_HEADER], ""]


def test_where_the_other_slot_is_not_reached_this_one_answers(slots: Slots) -> None:
    slots.reached = False
    made = slots.ask(1, *range(1, 11))
    assert {one["version"] for one in made} == {1}
    assert {parse_prediction_id(one["id"]).version for one in made} == {1}
    away = sum(slots.version_of(value) == 2 for value in range(1, 11))
    written = slots.by_version[1].metrics()
    assert f'"NotForwarded":{away}' in written
    assert all(one["id"] in written for one in made)


@pytest.mark.parametrize(
    "answer", [b"{", b"[]", b'{"predictions": []}', b'{"predictions": [{"version": 1, "id": "a", "cached": false}]}']
)
def test_an_answer_of_another_kind_is_none(slots: Slots, answer: bytes) -> None:
    slots.answers = answer
    value = next(value for value in range(1, 30) if slots.version_of(value) == 2)
    assert slots.ask(1, value)[0]["version"] == 1


def test_a_version_that_fails_there_is_answered_here(slots: Slots) -> None:
    slots.by_version[2].predictor.fails = True
    assert {made["version"] for made in slots.ask(1, *range(1, 11))} == {1}
    assert '"Faults":1' in slots.by_version[2].metrics()


def test_a_record_without_the_value_stays_where_it_came(loaded: Any, slots: Slots) -> None:
    sticky = slots.record.options.model_copy(update={"sticky": "user"})
    slots.store.save(slots.record.model_copy(update={"options": sticky}))
    for slot in slots.by_version.values():
        slot.releases.refresh()
    for version in (1, 2):
        assert {made["version"] for made in slots.ask(version, *range(1, 11))} == {version}


def test_without_a_sticky_release_nobody_is_asked(slots: Slots) -> None:
    slots.store.save(slots.record.model_copy(update={"options": AbTest()}))
    for version, slot in slots.by_version.items():
        slot.releases.refresh()
        assert {made["version"] for made in slots.ask(version, *range(1, 11))} == {version}
    assert [slot.asked for slot in slots.by_version.values()] == [[], []]


def test_one_version_ranks_the_whole_list_of_a_value(slots: Slots) -> None:
    for value in range(1, 21):
        ask = {"context": {"rooms": value}, "items": [{"area": area} for area in (1, 3, 2)]}
        for slot in slots.by_version.values():
            body = slot.client.post(f"/v1/models/{MODEL}/rank", json=ask).json()
            assert [item["index"] for item in body["items"]] == [1, 2, 0]
            assert {item["version"] for item in body["items"]} == {slots.version_of(value)}
            ids = [parse_prediction_id(item["id"]) for item in body["items"]]
            assert {(id.version, id.random) for id in ids} == {(slots.version_of(value), body["impression"])}


def test_what_the_other_slot_had_precomputed_says_so_here(slots: Slots) -> None:
    value = next(value for value in range(1, 30) if slots.version_of(value) == 2)
    at = "2026-11-27T02:00:13.250000Z"
    made = {"version": 2, "id": f"{MODEL}.2.{'6' * 24}", "cached": False, "value": 7.5}
    ahead = {"precomputed": True, "precomputed_at": at}
    slots.answers = to_json({"predictions": [{**made, **ahead}]})
    [answered] = slots.ask(1, value)
    assert answered.pop("id").startswith(made["id"])
    assert answered == {"version": 2, "value": 7.5, "cached": False, **ahead}


def test_what_cannot_be_ranked_by_is_predicted_here(slots: Slots) -> None:
    made = {"version": 2, "id": "a", "cached": False, "label": "dear", "scores": {"dear": 1}}
    slots.answers = to_json({"predictions": [made]})
    value = next(value for value in range(1, 30) if slots.version_of(value) == 2)
    ask = {"context": {"rooms": value}, "items": [{"area": 3}]}
    body = slots.by_version[1].client.post(f"/v1/models/{MODEL}/rank", json=ask).json()
    assert [item["version"] for item in body["items"]] == [1]
    assert '"NotForwarded":1' in slots.by_version[1].metrics()


def test_a_list_of_several_values_is_ranked_where_it_came(slots: Slots) -> None:
    ask = {"items": [home(rooms) for rooms in range(1, 11)]}
    body = slots.by_version[1].client.post(f"/v1/models/{MODEL}/rank", json=ask).json()
    assert {item["version"] for item in body["items"]} == {1}


def test_the_other_protocols_pass_on_too(slots: Slots) -> None:
    client = slots.by_version[1].client
    value = next(value for value in range(1, 30) if slots.version_of(value) == 2)
    tensors = [{"name": n, "shape": [1], "datatype": "FP64", "data": [v]} for n, v in home(value).items()]
    infer = client.post(f"/v2/models/{MODEL}/infer", json={"inputs": tensors})
    assert infer.json()["model_version"] == "2", infer.text
    invoked = client.post("/invocations", json={"inputs": [home(value)]}).json()
    assert invoked["predictions"][0]["version"] == 2


class Down:
    """A table that does not answer."""

    def serving(self, models: Any, *, consistent: bool = False) -> Any:
        raise UnavailableError("release store", "down")


def test_while_the_table_is_down_the_last_copy_holds(slots: Slots, caplog: pytest.LogCaptureFixture) -> None:
    releases = slots.by_version[1].releases
    assert releases.known(MODEL) is not None
    releases._store = Down()  # type: ignore[assignment]  # it goes down while the slot runs
    releases.refresh()
    assert releases.known(MODEL) is not None
    assert "stays" in caplog.text


def test_the_release_is_read_again_some_seconds_later() -> None:
    now = [100.0]
    store = MemoryReleaseStore()
    releases = SlotReleases(parse_config(CONFIG), MODEL, 1, store, clock=lambda: now[0])
    assert [releases.claim_refresh(), releases.claim_refresh()] == [True, False]
    now[0] += 5
    assert releases.claim_refresh()
    assert not SlotReleases(parse_config(CONFIG), MODEL, 1, None).claim_refresh()


def test_a_sticky_release_is_read_each_second(slots: Slots) -> None:
    now = [100.0]
    releases = SlotReleases(parse_config(CONFIG), MODEL, 1, slots.store, clock=lambda: now[0])
    assert releases.claim_refresh()
    releases.refresh()
    now[0] += 1
    assert [releases.claim_refresh(), releases.claim_refresh()] == [True, False]


class Slow:
    """A table whose first answer comes after the second was asked for."""

    def __init__(self, inner: MemoryReleaseStore) -> None:
        self.inner = inner
        self.asked = 0
        self.releases: SlotReleases | None = None

    def serving(self, models: Any, *, consistent: bool = False) -> Any:
        self.asked += 1
        if self.releases is not None:
            self.releases.refresh()
        return self.inner.serving(models)


def test_there_is_one_read_at_a_time(slots: Slots) -> None:
    slow = Slow(slots.store)
    slow.releases = SlotReleases(parse_config(CONFIG), MODEL, 1, slow)
    slow.releases.refresh()
    assert (slow.asked, slow.releases.known(MODEL) is not None) == (1, True)
    slow.releases.refresh()
    assert slow.asked == 2


@pytest.mark.parametrize("version", [1, 2])
def test_either_slot_describes_the_release(slots: Slots, loaded: Any, version: int) -> None:
    config = parse_config(CONFIG.replace("versions: [1, 2], stable: 1", f"versions: [{version}], stable: {version}"))
    served = ServedModels(
        config, {(MODEL, version): loaded[MODEL, version]}, releases=slots.by_version[version].releases
    )
    shown = describe(served, MODEL).model_dump()

    assert (shown["release"]["stable"], shown["release"]["phase"]) == (1, "running")
    assert shown["release"]["candidates"] == [{"version": 2, "share": 0.5}]
    assert [each["version"] for each in shown["versions"]] == [version]
