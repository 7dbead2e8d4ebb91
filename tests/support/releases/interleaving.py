"""Rankings and clicks by HTTP, and an interleaved release with the clicks that decide it."""

from collections.abc import Sequence
from typing import Any

import httpx

from slipway.releases.record.phases import Phase
from support.heavy.embedded import until
from support.releases.embedded import Releases

STABLE, CANDIDATE = 1, 2
WON, TIED, UNSEEN = 12, 2, 3
TEXTS = ("good day", "so so", "sunny hm", "bad day")
Body = dict[str, Any]


def rank(api: httpx.Client, model: str, texts: Sequence[str] = TEXTS, by: str = "positive") -> Body:
    """A model's ranking of some texts."""
    answer = api.post(f"/v1/models/{model}/rank", json={"items": [{"text": text} for text in texts], "by": by})
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()
    return body


def versions(body: Body) -> set[int]:
    """The versions that have an item in a ranking."""
    return {item["version"] for item in body["items"]}


def interleave(api: httpx.Client, releases: Releases, model: str) -> None:
    """Start an interleaved release, and click on the candidate's items in `WON` of its rankings, on both in `TIED`."""
    reason = ("--reason", "to see who is clicked")
    begun = releases.command("start", model, str(CANDIDATE), "--strategy", "interleave", *reason)
    assert begun.exit_code == 0, begun.output
    releases.until_in(model, Phase.RUNNING)
    until(lambda: len(versions(rank(api, model))) == 2)
    for place, body in enumerate([rank(api, model) for _ in range(WON + TIED + UNSEEN)]):
        first = {item["version"]: item for item in reversed(body["items"])}
        assert first.keys() == {STABLE, CANDIDATE}
        if place < WON:
            assert [_click(api, first[CANDIDATE]) for _ in range(2)] == [201, 200]
        elif place < WON + TIED:
            assert [_click(api, first[version]) for version in (STABLE, CANDIDATE)] == [201, 201]


def _click(api: httpx.Client, item: Body) -> int:
    return api.post("/v1/feedback", json={"prediction_id": item["id"], "reward": 1}).status_code
