"""Shadows on both tiers, and an interleaved ranking, by the commands that people give: until nothing is left."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx
import pytest
from support.embedded import ANSWER_SECONDS, Aws
from support.heavy.embedded import Heavy, until
from support.releases.embedded import Controller, Releases, entered
from support.releases.interleaving import CANDIDATE, STABLE, WON, interleave, rank, versions
from support.releases.shadow_project import FAILING, HEAVY, LIGHT, POSITIVE, RANKED

from local.environment.state import State
from slipway.releases.evidence.tallies import PREFERRED
from slipway.releases.record.phases import Phase

TEXTS = ("good day", "bad day", "sunny hm", "so so", "awful day")
MINUTES = 4


@dataclass
class Client:
    """Asks both models in turn, a few times a second, until it is told to stop; asks once more after a 503."""

    api: str
    answers: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    asked_again: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.api, timeout=ANSWER_SECONDS) as client:
            for number in itertools.count():
                if self.stopping.wait(0.1):
                    return
                model = (LIGHT, HEAVY)[number % 2]
                body = {"inputs": [{"text": TEXTS[number // 2 % len(TEXTS)]}]}
                answer = client.post(f"/v1/models/{model}/predict", json=body)
                if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                    self.asked_again.append(answer.text)
                    answer = client.post(f"/v1/models/{model}/predict", json=body)
                version = answer.json()["predictions"][0]["version"] if answer.is_success else 0
                self.answers[model, answer.status_code, version] += 1


@pytest.fixture(scope="module")
def client(running: State) -> Iterator[Client]:
    """Somebody who asks all the time."""
    made = Client(running.api)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stopping.set()
    thread.join()
    assert len(made.asked_again) <= 1, made.asked_again


@dataclass
class Logs:
    """The subscription filters of shadows."""

    aws: Aws
    groups: dict[str, str]

    def filters(self) -> dict[str, str]:
        """The functions that are handed captures, by model."""
        client, found = self.aws("logs"), {}
        for model, group in self.groups.items():
            for each in client.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]:
                if each["filterName"] == "shadowed-shadow":
                    found[model] = each["destinationArn"]
        return found


@pytest.fixture(scope="module")
def logs(running: State, aws: Aws) -> Logs:
    outputs = {name: value for stack in running.outputs.values() for name, value in stack.items()}
    return Logs(aws, {LIGHT: outputs["PredictLogs"], HEAVY: outputs["HeavySentimentLogs"]})


@pytest.fixture(scope="module", autouse=True)
def interleaved(api: httpx.Client, releases: Releases, controller: Controller) -> None:
    """An interleaved release with its clicks, which decides on them while the tests of shadows wait."""
    interleave(api, releases, RANKED)


def start(releases: Releases, model: str, *candidates: int, minutes: float) -> None:
    options = ("-o", f"minutes={minutes}", "-o", "judge.min_requests=20")
    started = releases.command("start", model, *map(str, candidates), "--strategy", "shadow", *options, "--by", "ann")
    assert started.exit_code == 0, started.output


def test_shadows_report_on_both_tiers_and_leave_nothing_behind(
    running: State, aws: Aws, releases: Releases, client: Client, logs: Logs
) -> None:
    heavy = Heavy(running, aws, HEAVY, "shadowed")
    before = heavy.weights()
    assert logs.filters() == {}
    for model in (LIGHT, HEAVY):
        start(releases, model, POSITIVE, FAILING, minutes=MINUTES)
    refused = releases.command("start", LIGHT, "2", "--by", "ann")
    assert refused.exit_code != 0
    for model in (LIGHT, HEAVY):
        releases.until_in(model, Phase.RUNNING)
        releases.until(model, lambda record: logs.filters().get(record.model))
    assert set(logs.filters()) == {LIGHT, HEAVY}
    assert heavy.weights() == before
    seen = releases.until(LIGHT, lambda record: record.capitals and record.capitals[0].counts[0][0] > 0)
    assert seen.phase is Phase.RUNNING
    status = releases.command("status", LIGHT).output
    assert "version 2: " in status
    for model in (LIGHT, HEAVY):
        record = releases.until_over(model)
        lines = entered(record, Phase.FINISHED).evidence
        disagreement = {number: said(lines, number, "disagreement with the stable version") for number in (2, 3)}
        # It says `positive` to everything, of which three of five texts are not.
        assert share(disagreement[POSITIVE]) == pytest.approx(60, abs=10), lines
        assert share(disagreement[FAILING]) == pytest.approx(0, abs=1), lines
        assert share(said(lines, FAILING, "errors")) == pytest.approx(20, abs=8), lines
        assert share(said(lines, POSITIVE, "errors")) == 0, lines
        assert said(lines, POSITIVE, "latency over the limit of p50")
    assert logs.filters() == {}
    assert {key[1:] for key in client.answers} == {(200, 1)}
    assert (heavy.weights(), releases.record(HEAVY).stable_now) == (before, 1)


@pytest.mark.parametrize("model", [LIGHT, HEAVY])
def test_a_shadow_that_is_called_off_leaves_nothing_behind(
    controller: Controller, releases: Releases, client: Client, logs: Logs, model: str
) -> None:
    start(releases, model, POSITIVE, minutes=60)
    releases.until(model, lambda _: logs.filters().get(model))
    with controller.stopped():
        ended = releases.command("rollback", model, "--by", "ann", "-m", "seen enough")
        assert ended.exit_code == 0, ended.output
        assert logs.filters() == {}
    assert releases.until_over(model).phase is Phase.ROLLED_BACK
    assert {key[1:] for key in client.answers} == {(200, 1)}


def test_clicks_on_what_two_versions_rank_together_decide(
    api: httpx.Client, aws: Aws, outputs: dict[str, str], releases: Releases
) -> None:
    ended = releases.until_in(RANKED, Phase.FINISHED)

    assert (ended.winner, ended.total(CANDIDATE, PREFERRED).n) == (CANDIDATE, WON)
    assert f"100.0 % of {WON} impressions" in " ".join(ended.history[-1].evidence)
    assert wins(aws, outputs["ControlTable"]) == {f"v{CANDIDATE}": WON, f"v{STABLE}": 0}
    until(lambda: len(versions(rank(api, RANKED))) == 1)


def wins(aws: Aws, table: str) -> dict[str, int]:
    """The counters of the only interleaving, which a tie's clicks have touched and left as they were."""
    found = aws("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :wins)",
        ExpressionAttributeValues={":pk": {"S": f"reward#{RANKED}"}, ":wins": {"S": "wins#"}},
    )
    totals: dict[str, int] = {}
    for item in found["Items"]:
        for name in item.keys() - {"pk", "sk"}:
            totals[name] = totals.get(name, 0) + int(item[name]["N"])
    return totals


def said(lines: tuple[str, ...], version: int, subject: str) -> str:
    return next((line for line in lines if line.startswith(f"version {version}: {subject}: ")), "")


def share(line: str) -> float:
    """The candidate's share, in percent, of a line of a report."""
    return float(line.split(": ")[2].partition(" %")[0])
