"""Sticky releases on both tiers: everything that is counted is counted by bucket of the sticky value, too."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from support.heavy.embedded import until
from support.releases.embedded import Controller, Releases
from support.releases.interleaving import rank, versions
from support.releases.shadow_project import HEAVY, LIGHT, POSITIVE, RANKED, STABLE

from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.routing.buckets import BUCKETS, bucket_of
from slipway.serving.prediction.live_releases import FRESH_SECONDS

USERS = [f"good sunny {number}" for number in range(30)]
TIERS = pytest.mark.parametrize("model", [LIGHT, HEAVY])
RANKERS = (1, 2)


@dataclass
class Asked:
    """What was answered to each user by each version, and what it was worth."""

    predictions: Counter[tuple[int, int]] = field(default_factory=Counter)
    rewards: Counter[tuple[int, int]] = field(default_factory=Counter)

    def clusters(self, version: int, sums: Counter[tuple[int, int]]) -> Clusters:
        n = tuple(float(self.predictions[version, bucket]) for bucket in range(BUCKETS))
        return Clusters(n, tuple(float(sums[version, bucket]) for bucket in range(BUCKETS)))


def start(releases: Releases, model: str, candidate: int, strategy: str, *options: str) -> ReleaseRecord:
    chosen = [f"--option={option}" for option in ("sticky=text", "judge.outage=0.9", *options)]
    begun = releases.command("start", model, str(candidate), "--strategy", strategy, *chosen, "--by", "ann")
    assert begun.exit_code == 0, begun.output
    return releases.until_in(model, Phase.RUNNING)


def until_counted(record: ReleaseRecord) -> None:
    """Wait until requests are in whole minutes of the release, and every process knows of it."""
    assert record.running_since is not None
    first = record.running_since + timedelta(minutes=1, seconds=FRESH_SECONDS + 1)
    while time.time() < first.timestamp():
        time.sleep(1)


def ask(api: httpx.Client, model: str, users: Sequence[str]) -> Asked:
    """Ask about each user twice, and reward every answer to the first of them by its first letters."""
    asked = Asked()
    for place, user in enumerate((*users, *users)):
        answer = api.post(f"/v1/models/{model}/predict", json={"inputs": [{"text": user}]})
        assert answer.status_code == 200, answer.text
        (made,) = answer.json()["predictions"]
        key = (made["version"], bucket_of(user))
        assert parse_prediction_id(made["id"]).bucket == key[1]
        asked.predictions[key] += 1
        reward = place % 3 == 0
        asked.rewards[key] += reward
        told = api.post("/v1/feedback", json={"prediction_id": made["id"], "reward": float(reward)})
        assert told.status_code == 201, told.text
    return asked


@pytest.fixture(scope="module")
def experiments(api: httpx.Client, releases: Releases, controller: Controller) -> dict[str, Asked]:
    """A sticky A/B test on each tier, and what was asked of it."""
    limits = [f"judge.{name}.enabled=false" for name in ("p50", "p99", "labels", "score")]
    records = [start(releases, model, POSITIVE, "ab", *limits) for model in (LIGHT, HEAVY)]
    for record in records:
        until_counted(record)
    return {model: ask(api, model, USERS) for model in (LIGHT, HEAVY)}


@TIERS
def test_rewards_by_bucket_add_up_to_the_rewards(releases: Releases, experiments: dict[str, Asked], model: str) -> None:
    asked = experiments[model]

    def counted(record: ReleaseRecord) -> bool:
        totals = [record.total(version, keys.REWARD) for version in (STABLE, POSITIVE)]
        return sum(total.n for total in totals) == asked.predictions.total()

    record = releases.until(model, counted)
    for version in (STABLE, POSITIVE):
        clusters, total = record.clustered(version, keys.REWARD), record.total(version, keys.REWARD)
        assert clusters == asked.clusters(version, asked.rewards)
        assert (sum(clusters.n), sum(clusters.total)) == (total.n, total.total)


@TIERS
def test_guards_by_bucket_are_read_from_the_log_lines(
    releases: Releases, experiments: dict[str, Asked], model: str
) -> None:
    asked, nothing = experiments[model], Counter[tuple[int, int]]()

    def counted(record: ReleaseRecord) -> bool:
        found = [record.clustered(version, keys.ERRORS) for version in (STABLE, POSITIVE)]
        return sum(sum(each.n) for each in found if each) >= asked.predictions.total()

    record = releases.until(model, counted)
    for version in (STABLE, POSITIVE):
        assert record.clustered(version, keys.ERRORS) == asked.clusters(version, nothing)
        scores, label = (record.clustered(version, key) for key in (keys.SCORE, keys.label_key("positive")))
        assert scores is not None
        assert label is not None
        assert scores.n == label.n == asked.clusters(version, nothing).n
    assert record.clusters_until is not None
    assert record.clusters_until <= record.judged_until


def test_wins_by_bucket_add_up_to_the_wins(api: httpx.Client, releases: Releases, controller: Controller) -> None:
    stable, candidate = RANKERS
    start(releases, RANKED, candidate, "interleave")
    until(lambda: len(versions(rank(api, RANKED, USERS[:1] * 4))) == 2)
    won, lost = Counter[int](), Counter[int]()
    for place, user in enumerate(USERS[:10]):
        body = rank(api, RANKED, [user] * 4)
        chosen = candidate if place % 3 else stable
        item = next(item for item in body["items"] if item["version"] == chosen)
        assert api.post("/v1/feedback", json={"prediction_id": item["id"], "reward": 1}).status_code == 201
        (won if chosen == candidate else lost)[bucket_of(user)] += 1
    record = releases.until(RANKED, lambda record: record.total(candidate, keys.PREFERRED).n == 10)
    clusters = record.clustered(candidate, keys.PREFERRED)
    assert clusters is not None
    assert clusters.n == tuple(float(won[bucket] + lost[bucket]) for bucket in range(BUCKETS))
    assert clusters.total == tuple(float(won[bucket]) for bucket in range(BUCKETS))
