"""Rankings by the shipped models; tests/e2e/experiments has an interleaved release of one."""

import httpx
from support.releases.interleaving import rank, versions

MODEL = "tweet-sentiment"
TWEETS = ["What a lovely morning!", "I hate Mondays.", "The train leaves at nine.", "Best concert ever, thank you!"]


def test_the_stable_version_ranks_without_a_release(api: httpx.Client) -> None:
    body = rank(api, MODEL, TWEETS)
    scores = [item["score"] for item in body["items"]]

    assert scores == sorted(scores, reverse=True)
    assert sorted(item["index"] for item in body["items"]) == [0, 1, 2, 3]
    assert {TWEETS[item["index"]] for item in body["items"][:2]} == {TWEETS[0], TWEETS[3]}
    assert len(versions(body)) == 1
    assert {item["id"].split(".")[2].partition("-")[0] for item in body["items"]} == {body["impression"]}


def test_what_cannot_rank_is_said(api: httpx.Client) -> None:
    body = {"items": [{"text": text} for text in TWEETS], "by": "joy"}
    answer = api.post(f"/v1/models/{MODEL}/rank", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "by"
