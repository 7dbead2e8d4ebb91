"""Rankings over HTTP: in which order, by which version, and under which ids."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from starlette.testclient import TestClient
from support.releases.records import make_release
from support.serving import Api, fields, refused

from slipway.config import Config
from slipway.config.releases.options import AbTest, Canary, Interleave, Options
from slipway.errors import PredictionError
from slipway.models.manifest import Manifest
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id, release_tag
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.interleaving import Team, team_draft
from slipway.serving.prediction import ranking
from slipway.serving.prediction.live_releases import LiveReleases

RANK = "/v1/models/tiny-price/rank"
TEXTS = "/v1/models/tiny-sentiment/rank"
GOOD, BAD, SUNNY = {"text": "good sunny"}, {"text": "awful"}, {"text": "good sunny good sunny"}


def homes(*areas: float) -> list[dict[str, Any]]:
    return [{"rooms": 3, "area": area} for area in areas]


def test_items_come_back_best_first_under_one_impression(client: TestClient) -> None:
    body = client.post(RANK, json={"items": homes(20, 80, 50)}).json()
    assert body["model"] == "tiny-price"
    assert [item["index"] for item in body["items"]] == [1, 2, 0]
    assert [item["score"] for item in body["items"]] == [83, 53, 23]
    ids = [parse_prediction_id(item["id"]) for item in body["items"]]
    assert [(id.version, id.item, id.release) for id in ids] == [(1, 1, ""), (1, 2, ""), (1, 0, "")]
    assert {id.random for id in ids} == {body["impression"]}


def test_only_as_many_are_answered_as_are_wanted(client: TestClient) -> None:
    ask = {"items": homes(20, 80, 50), "limit": 2}
    assert [item["index"] for item in client.post(RANK, json=ask).json()["items"]] == [1, 2]


def test_equal_scores_keep_the_order_of_the_request(client: TestClient) -> None:
    items = client.post(RANK, json={"items": homes(5, 5, 5)}).json()["items"]
    assert [item["index"] for item in items] == [0, 1, 2]


def test_a_classifier_ranks_by_the_probability_of_a_label(client: TestClient) -> None:
    for label, first in (("positive", 1), ("negative", 0)):
        items = client.post(TEXTS, json={"items": [BAD, GOOD], "by": label}).json()["items"]
        assert items[0]["index"] == first
        assert items[0]["score"] > items[1]["score"]


@pytest.mark.parametrize(
    ("path", "body", "named", "says"),
    [
        (TEXTS, {"items": [GOOD]}, "by", "is required: the label .* negative, neutral, positive"),
        (TEXTS, {"items": [GOOD], "by": "glad"}, "by", "must be a label of tiny-sentiment 1"),
        (TEXTS, {"items": [GOOD], "by": ""}, "by", "must be a label"),
        (RANK, {"items": homes(1), "by": "price"}, "by", "has no meaning here"),
        (RANK, {"items": []}, "items", "at least 1"),
        (RANK, {"items": homes(*range(17))}, "items", "at most 16"),
        (RANK, {"items": homes(1), "limit": 0}, "limit", "at least 1"),
        (RANK, {"items": homes(1), "limit": None}, "limit", "integer"),
        (RANK, {"items": homes(1), "top": 1}, "top", "known"),
        (RANK, {"items": [*homes(1), {"rooms": 3, "area": "big"}]}, "items[1].area", "number"),
        (RANK, {"items": [*homes(1), {"rooms": 3}]}, "items[1].area", "required"),
        (RANK, {"items": [{"area": 1}], "context": {"rooms": "three"}}, "context.rooms", "number"),
        (RANK, {"items": [{"area": 1}, {"area": 2}], "context": {"room": 3, "rooms": 3}}, "context.room", "known"),
        (RANK, {"items": homes(1, 2), "context": {"rooms": "three"}}, "context.rooms", "number"),
        (RANK, {"items": ["big"]}, "items[0]", "object"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, path: str, body: dict, named: str, says: str) -> None:
    problem = refused(client.post(path, json=body), 422)
    assert fields(problem) == [named]
    assert re.search(says, problem["errors"][0]["message"])


def test_items_take_from_the_context_what_they_do_not_say(client: TestClient) -> None:
    ask = {"context": {"rooms": 7, "area": 10}, "items": [{}, {"area": 90}, {"rooms": 1, "area": 1}]}
    assert [item["score"] for item in client.post(RANK, json=ask).json()["items"]] == [97, 17, 2]


def test_the_features_of_the_contexts_entity_are_read_once(api: Api, client: TestClient) -> None:
    api.write_patient("p1", radius=12.0, smooth=0.5)
    ask = {"context": {"patient": "p1"}, "items": [{"age": age} for age in (30, 60, 90)], "by": "yes"}
    assert len(client.post("/v1/models/tiny-tabular/rank", json=ask).json()["items"]) == 3
    assert [line["FeatureHits"] for line in api.metrics("FeatureHits")] == [1]


def test_a_feature_that_is_nowhere_is_named_with_its_item(client: TestClient) -> None:
    ask = {"context": {"patient": "p404"}, "items": [{"age": 30}], "by": "yes"}
    problem = refused(client.post("/v1/models/tiny-tabular/rank", json=ask), 422)
    assert fields(problem) == ["items[0].radius"]


@dataclass
class Scores:
    """A version that ranks texts by a table."""

    manifest: Manifest
    table: dict[str, float]
    fails: bool = False

    def predict(self, records: Any) -> list[dict[str, Any]]:
        if self.fails:
            raise PredictionError("the graph failed")
        found = [self.table[record["text"]] for record in records]
        return [{"label": "positive", "score": p, "scores": {"positive": p, "negative": 1 - p}} for p in found]


ITEMS = [{"text": text} for text in "abcd"]
STABLE, CANDIDATE = [0, 1, 2, 3], [3, 1, 0, 2]


@dataclass
class Released:
    """A ranking model of two versions that order differently, in a release."""

    client: TestClient
    record: ReleaseRecord
    candidate: Scores

    def rank(self, path: str = TEXTS, **ask: Any) -> dict[str, Any]:
        answer = self.client.post(path, json={"items": ITEMS, "by": "positive", **ask})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def released(api: Api, config: Config) -> Any:
    def start(options: Options, *, phase: Phase = Phase.RUNNING, share: float = 0.0) -> Released:
        store = MemoryReleaseStore()
        record = store.start(make_release("tiny-sentiment", options=options))
        record = store.save(record.model_copy(update={"phase": phase, "shares": (share,)}))
        manifests = {number: api.models["tiny-sentiment", number].manifest for number in (1, 2)}
        orders = {1: STABLE, 2: CANDIDATE}
        made = {
            number: Scores(manifests[number], {"abcd"[item]: 0.9 - 0.1 * place for place, item in enumerate(order)})
            for number, order in orders.items()
        }
        models = {**api.models, **{("tiny-sentiment", number): scores for number, scores in made.items()}}
        client = api.client(models=models, releases=LiveReleases(config, store))
        return Released(client, record, made[2])

    return start


def test_interleaved_versions_answer_together_by_the_draft_of_the_impression(api: Api, released: Any) -> None:
    model = released(Interleave())
    for _ in range(20):
        body = model.rank()
        picks = team_draft(STABLE, CANDIDATE, salt=model.record.salt, key=body["impression"])
        expected = [(pick.item, 1 if pick.team is Team.STABLE else 2) for pick in picks]
        assert [(item["index"], item["version"]) for item in body["items"]] == expected
        for item in body["items"]:
            id = parse_prediction_id(item["id"])
            assert (id.version, id.random, id.item) == (item["version"], body["impression"], item["index"])
            assert id.release == release_tag(model.record.salt)
    counted = api.metrics("Impressions")
    assert {(line["Impressions"], line["Version"]) for line in counted} == {(1, "2")}
    assert len(counted) == 20


def test_an_interleaved_list_is_as_long_as_is_wanted(released: Any) -> None:
    body = released(Interleave()).rank(limit=2)
    assert sorted(item["version"] for item in body["items"]) == [1, 2]


def test_both_versions_are_counted_for_what_they_scored(api: Api, released: Any) -> None:
    released(Interleave()).rank()
    assert {(line["Version"], line["Predictions"]) for line in api.metrics("Predictions")} == {("1", 4), ("2", 4)}


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.PREPARING, Phase.FINISHED, Phase.ROLLED_BACK])
def test_only_a_release_that_runs_interleaves(api: Api, released: Any, phase: Phase) -> None:
    body = released(Interleave(), phase=phase).rank()
    assert [(item["index"], item["version"]) for item in body["items"]] == [(item, 1) for item in STABLE]
    assert api.metrics("Impressions") == []


def test_a_winner_that_bakes_ranks_alone(released: Any) -> None:
    body = released(Interleave(), phase=Phase.BAKING, share=1.0).rank()
    assert [(item["index"], item["version"]) for item in body["items"]] == [(item, 2) for item in CANDIDATE]


def test_a_candidate_that_fails_fails_no_request_and_its_lists_count_for_nobody(api: Api, released: Any) -> None:
    model = released(Interleave())
    model.candidate.fails = True
    body = model.rank()
    assert [(item["index"], item["version"]) for item in body["items"]] == [(item, 1) for item in STABLE]
    assert {parse_prediction_id(item["id"]).release for item in body["items"]} == {""}
    assert api.metrics("Impressions") == []
    assert [line["Version"] for line in api.metrics("Failures")] == ["2"]


def test_a_version_that_is_addressed_ranks_alone(released: Any) -> None:
    body = released(Interleave()).rank("/v1/models/tiny-sentiment/versions/2/rank")
    assert [item["index"] for item in body["items"]] == CANDIDATE
    assert {parse_prediction_id(item["id"]).release for item in body["items"]} == {""}


def test_in_any_other_release_one_version_ranks_the_whole_list(released: Any) -> None:
    model = released(Canary(), share=0.5)
    lists = [{item["version"] for item in model.rank()["items"]} for _ in range(40)]
    assert sorted(map(len, lists)) == [1] * 40
    assert {1, 2} == set().union(*lists)


def test_a_sticky_field_of_the_context_keeps_its_version(api: Api, config: Config) -> None:
    store = MemoryReleaseStore()
    record = store.start(make_release("tiny-price", options=AbTest(sticky="rooms")))
    store.save(record.model_copy(update={"phase": Phase.RUNNING, "shares": (0.5,)}))
    price = api.models["tiny-price", 1]
    two = config.models["tiny-price"].model_copy(update={"versions": (1, 2)})
    both = config.model_copy(update={"models": {**config.models, "tiny-price": two}})
    models = {**api.models, ("tiny-price", 2): price}
    with Api(both, models, api.store).client(releases=LiveReleases(both, store)) as client:

        def versions(rooms: int) -> set[int]:
            ask = {"context": {"rooms": rooms}, "items": [{"area": 1}, {"area": 2}]}
            return {item["version"] for _ in range(5) for item in client.post(RANK, json=ask).json()["items"]}

        found = [versions(rooms) for rooms in range(20)]
    assert {len(each) for each in found} == {1}
    assert set().union(*found) == {1, 2}


def test_it_runs_in_the_phase_that_releases_call_so() -> None:
    assert ranking._RUNNING == Phase.RUNNING


def test_a_limit_may_be_written_with_a_point(client: TestClient) -> None:
    items = {"items": [{"rooms": 1, "area": 1}, {"rooms": 2, "area": 1}]}
    for limit, status in ((1.0, 200), (7126.0, 200), (1.5, 422), (0.0, 422), (True, 422), ("1", 422)):
        answer = client.post("/v1/models/tiny-price/rank", json={**items, "limit": limit})
        assert answer.status_code == status, (limit, answer.text)
