"""Rankings, and an interleaved release of one: both versions answer together, and clicks decide."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.state import State

SLIPWAY = Path(sys.executable).with_name("slipway")
MODEL, STABLE, CANDIDATE = "tweet-sentiment", 1, 3
RANK = f"/v1/models/{MODEL}/rank"
TWEETS = ["What a lovely morning!", "I hate Mondays.", "The train leaves at nine.", "Best concert ever, thank you!"]
ASK = {"items": [{"text": text} for text in TWEETS], "by": "positive"}
WON, TIED, UNSEEN = 12, 2, 3
SECONDS = 240.0


@pytest.fixture
def release(running: State, checkout: Path, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Runs `slipway release …` against what is up; a release of the model that is left is undone."""
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway/local.json").write_text(running.model_dump_json(), encoding="utf-8")

    def command(*arguments: str) -> str:
        whole = [SLIPWAY, "release", *arguments, "--config", checkout / "slipway.yaml"]
        done = subprocess.run(whole, cwd=tmp_path, capture_output=True, text=True, check=False)
        # A tick that comes while the controller is at it stops, and says so.
        assert done.returncode == 0 or arguments == ("tick",), done.stdout + done.stderr
        return done.stdout

    yield command
    if json.loads(command("status", MODEL, "--json"))[0]["phase"] in ("pending", "preparing", "running", "baking"):
        command("rollback", MODEL)
    command("tick")


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return found


def rank(api: httpx.Client) -> dict[str, Any]:
    answer = api.post(RANK, json=ASK)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def click(api: httpx.Client, item: dict[str, Any]) -> int:
    return api.post("/v1/feedback", json={"prediction_id": item["id"], "reward": 1}).status_code


def test_the_stable_version_ranks_without_a_release(api: httpx.Client) -> None:
    body = rank(api)
    scores = [item["score"] for item in body["items"]]

    assert scores == sorted(scores, reverse=True)
    assert sorted(item["index"] for item in body["items"]) == [0, 1, 2, 3]
    assert {TWEETS[item["index"]] for item in body["items"][:2]} == {TWEETS[0], TWEETS[3]}
    assert len({item["version"] for item in body["items"]}) == 1
    assert {item["id"].split(".")[2] for item in body["items"]} == {body["impression"]}


def test_what_cannot_rank_is_said(api: httpx.Client) -> None:
    answer = api.post(RANK, json={**ASK, "by": "joy"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "by"


def test_clicks_on_what_two_versions_rank_together_decide(
    api: httpx.Client, aws: Any, outputs: dict[str, str], release: Callable[..., str]
) -> None:
    def record() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(release("status", MODEL, "--json"))[0]
        return found

    release("start", MODEL, str(CANDIDATE), "--strategy", "interleave", "--reason", "to see who is clicked")
    until(lambda: release("tick") and record()["phase"] == "running")
    shown = [until(lambda: found if len(_versions(found := rank(api))) == 2 else None)]
    shown += [rank(api) for _ in range(WON + TIED + UNSEEN - 1)]
    assert {frozenset(_versions(each)) for each in shown} == {frozenset((STABLE, CANDIDATE))}

    for body in shown[:WON]:
        first = next(item for item in body["items"] if item["version"] == CANDIDATE)
        assert [click(api, first), click(api, first)] == [201, 200]
    for body in shown[WON : WON + TIED]:
        pair = {item["version"]: item for item in body["items"]}
        assert [click(api, pair[version]) for version in (STABLE, CANDIDATE)] == [201, 201]

    ended = until(lambda: found if (found := record())["phase"] == "finished" else None)
    assert (ended["winner"], ended["totals"][str(CANDIDATE)]["preferred"]["n"]) == (CANDIDATE, WON)
    assert f"100.0 % of {WON} impressions" in " ".join(ended["history"][-1]["evidence"])
    assert _wins(aws, outputs["ControlTable"]) == {f"v{CANDIDATE}": WON, f"v{STABLE}": 0}
    assert len(_versions(until(lambda: found if len(_versions(found := rank(api))) == 1 else None))) == 1


def _versions(body: dict[str, Any]) -> set[int]:
    return {item["version"] for item in body["items"]}


def _wins(aws: Any, table: str) -> dict[str, int]:
    """The counters of the only interleaving, which a tie's clicks have touched and left as they were."""
    found = aws("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :wins)",
        ExpressionAttributeValues={":pk": {"S": f"reward#{MODEL}"}, ":wins": {"S": "wins#"}},
    )
    totals: dict[str, int] = {}
    for item in found["Items"]:
        for name in item.keys() - {"pk", "sk"}:
            totals[name] = totals.get(name, 0) + int(item[name]["N"])
    return totals
