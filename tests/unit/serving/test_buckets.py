"""While a release is sticky, ids and metric lines say the bucket of the sticky value."""

from collections.abc import Callable
from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from starlette.testclient import TestClient
from support.releases.records import make_release
from support.serving import PREDICT, Api

from slipway.config.releases.options import AbTest, Bandit, Canary, Interleave, Options
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.releases.record.phases import Phase
from slipway.releases.routing.buckets import bucket_of
from slipway.serving.prediction.live_releases import LiveReleases

MODEL = "tiny-sentiment"
USERS = ("good", "bad", "sunny", "awful")

Released = Callable[..., TestClient]


@pytest.fixture
def released(api: Api) -> Released:
    """Starts a release of a model and gives a client of the API that follows it."""

    def release(options: Options, *, model: str = MODEL, share: float = 0.5) -> TestClient:
        store = MemoryReleaseStore()
        record = store.start(make_release(model, options=options))
        store.save(record.model_copy(update={"phase": Phase.RUNNING, "shares": (share,)}))
        return api.client(releases=LiveReleases(api.config, store))

    return release


def predict(client: TestClient, *texts: str, path: str = PREDICT) -> list[dict[str, Any]]:
    answer = client.post(path, json={"inputs": [{"text": text} for text in texts]})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def buckets(made: list[dict[str, Any]]) -> list[int | None]:
    return [parse_prediction_id(each["id"]).bucket for each in made]


@pytest.mark.parametrize("options", [AbTest(sticky="text"), Bandit(sticky="text")])
def test_an_id_has_the_bucket_of_its_sticky_value(released: Released, options: Options) -> None:
    client = released(options)
    assert buckets(predict(client, *USERS)) == list(map(bucket_of, USERS))
    assert len({each["id"] for _ in range(50) for each in predict(client, "good")}) == 50


def test_so_has_the_id_of_a_request_that_names_a_version(released: Released) -> None:
    client = released(AbTest(sticky="text"))
    assert buckets(predict(client, *USERS, path=f"/v1/models/{MODEL}/versions/2/predict")) == list(
        map(bucket_of, USERS)
    )


@pytest.mark.parametrize("options", [AbTest(), Canary(), Interleave()])
def test_without_a_sticky_value_there_is_no_bucket(released: Released, api: Api, options: Options) -> None:
    client = released(options)
    assert {bucket for _ in range(50) for bucket in buckets(predict(client, *USERS))} == {None}
    assert not any("Bucket" in line for line in api.lines())


def test_records_without_the_sticky_value_are_one_user(released: Released) -> None:
    client = released(AbTest(sticky="patient"))
    found = [buckets(predict(client, *USERS)) for _ in range(50)]
    assert {len(set(each)) for each in found} == {1}
    assert len({each[0] for each in found}) > 20
    assert all(each[0] is not None for each in found)


def sums(api: Api, metric: str) -> dict[tuple[str, str], float]:
    """The sums of a metric by version and bucket."""
    found: dict[tuple[str, str], float] = {}
    for line in api.metrics(metric):
        key = (line["Version"], line["Bucket"])
        found[key] = found.get(key, 0) + line[metric]
    return found


def test_a_parts_line_has_its_bucket_beside_the_metrics_and_not_as_a_dimension(released: Released, api: Api) -> None:
    client = released(AbTest(sticky="text"))
    (made,) = predict(client, "good")
    (line,) = api.metrics("InferenceLatency")
    assert (line["Version"], line["Bucket"]) == (str(made["version"]), str(bucket_of("good")))
    (labels,) = api.metrics("Labels")
    assert labels["Bucket"] == line["Bucket"]
    sets = [of for each in api.lines() for told in each["_aws"]["CloudWatchMetrics"] for of in told["Dimensions"]]
    assert sets
    assert not any("Bucket" in names for names in sets)


def test_a_part_is_counted_once_and_its_outputs_by_record(released: Released, api: Api) -> None:
    client = released(AbTest(sticky="text"), share=0.0)
    made = predict(client, *USERS)
    assert {each["version"] for each in made} == {1}
    assert sums(api, "Predictions") == {("1", str(bucket_of(USERS[0]))): 4}
    assert sums(api, "Labels") == {("1", str(bucket_of(user))): 0.25 for user in USERS}
    assert sums(api, "Scored") == {("1", str(bucket_of(user))): 0.25 for user in USERS}


def test_values_are_numbers_of_single_lines(released: Released, api: Api) -> None:
    client = released(AbTest(sticky="rooms"), model="tiny-price")
    inputs = [{"rooms": rooms, "area": 1.0} for rooms in (1.0, 1.0, 2.0)]
    assert client.post("/v1/models/tiny-price/predict", json={"inputs": inputs}).status_code == 200
    found = sorted((line["Bucket"], line["Values"]) for line in api.metrics("Values"))
    assert found == sorted((str(bucket_of(str(each["rooms"]))), each["rooms"] + 1) for each in inputs)


def rank(client: TestClient, *texts: str) -> dict[str, Any]:
    answer = client.post(
        f"/v1/models/{MODEL}/rank", json={"items": [{"text": text} for text in texts], "by": "positive"}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("options", [AbTest(sticky="text"), Interleave(sticky="text")])
def test_the_items_of_an_impression_share_the_bucket_of_its_user(released: Released, options: Options) -> None:
    client = released(options)
    for user in USERS:
        body = rank(client, user, user)
        ids = [parse_prediction_id(item["id"]) for item in body["items"]]
        assert {(id.random, id.bucket) for id in ids} == {(body["impression"], bucket_of(user))}
        assert all(bool(id.release) == isinstance(options, Interleave) for id in ids)
    mixed = {buckets(rank(client, *USERS)["items"])[0] for _ in range(50)}
    assert len(mixed) > 20
    assert None not in mixed
