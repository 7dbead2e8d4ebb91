"""Every strategy on both tiers at once, while fifty clients go on asking: how each release ends, and that none notices.

The releases go on by themselves, and all of them run while the tests wait for one. Only the schedule calls the
controller until traffic moves; then it is called in between as well.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import httpx
import pytest
from support.candidates import POISON
from support.crowd import Crowd, Reply, summary
from support.embedded import Aws
from support.heavy.embedded import Heavy, until
from support.releases.embedded import Controller, Inbox, Releases, entered
from support.releases.project import (
    CANDIDATE,
    CASES,
    EVERY,
    JUDGE,
    PROJECT,
    STABLE,
    TIERS,
    Case,
    question,
    write_config,
)

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State
from slipway.releases.record.phases import Phase

CLIENTS = 50
THINK_SECONDS = 0.8
# A rollback takes effect within so many seconds on every warm process of the light tier.
EFFECT_SECONDS = 15.0
Note = Callable[[str, object], None]
"""Pytest's `record_testsuite_property`: what is measured goes into the report, and is asserted nowhere."""

BY_NAME = {case.name: case for case in CASES}
WAITING = BY_NAME["waiting"]
RELEASES = pytest.mark.parametrize(("case", "tier"), EVERY, ids=lambda each: getattr(each, "name", each))
ON_BOTH_TIERS = pytest.mark.parametrize("tier", TIERS)


@pytest.fixture(scope="module")
def inbox(aws: Aws, outputs: dict[str, str]) -> Inbox:
    """What is told of the releases."""
    return Inbox(aws, outputs["ReleaseTopic"])


@pytest.fixture(scope="module")
def crowd(running: State) -> Iterator[Crowd]:
    """The clients, who ask all the time."""
    made = Crowd(running.api, CLIENTS, THINK_SECONDS, question)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def waiting(running: State, aws: Aws, releases: Releases) -> Heavy:
    """The slots of a release that stays where it is until somebody promotes it: 20 % at the candidate."""
    model = WAITING.model("heavy")
    slots = Heavy(running, aws, model, PROJECT)
    releases.until_in(model, Phase.RUNNING)
    until(lambda: slots.weights() == {"blue": 80, "green": 20})
    return slots


@pytest.fixture(scope="module", autouse=True)
def started(releases: Releases, inbox: Inbox, crowd: Crowd) -> None:
    """Every release, started as people start them."""
    for case, tier in EVERY:
        start(releases, case, tier)


@pytest.fixture(scope="module", autouse=True)
def controller(aws: Aws, outputs: dict[str, str], releases: Releases, started: None) -> Iterator[Controller]:
    """Takes the releases on, from when the schedule alone has given a candidate traffic."""
    releases.until_in(WAITING.model("light"), Phase.RUNNING)
    with Controller(aws, outputs["ControllerFunction"]) as made:
        yield made


def test_a_second_release_of_a_model_is_refused_by_the_name_of_the_first(releases: Releases) -> None:
    model = WAITING.model("light")
    refused = releases.command("start", model, str(CANDIDATE), "--strategy", "canary")

    assert refused.exit_code != 0
    assert releases.record(model).id in str(refused.exception)


@ON_BOTH_TIERS
def test_a_models_description_shows_its_release(api: httpx.Client, releases: Releases, tier: str) -> None:
    model = WAITING.model(tier)
    record = releases.until_in(model, Phase.RUNNING)

    # Processes read it one by one, so the first that shows it is not every one.
    time.sleep(EFFECT_SECONDS)
    shown = [api.get(f"/v1/models/{model}").json()["release"] for _ in range(5)]
    candidates = [{"version": CANDIDATE, "share": 0.2}]
    expected = {"stable": STABLE, "strategy": "canary", "candidates": candidates, "id": record.id, "phase": "running"}
    assert shown == [expected] * 5


def test_a_rollback_without_the_controller_takes_effect_at_once(
    controller: Controller, releases: Releases, crowd: Crowd, record_testsuite_property: Note
) -> None:
    models = {tier: BY_NAME["undone"].model(tier) for tier in TIERS}
    for model in models.values():
        releases.until_in(model, Phase.BAKING)
    until(lambda: all(newest(crowd, model) == CANDIDATE for model in models.values()))
    with controller.stopped():
        ordered = {tier: rolled_back(releases, model) for tier, model in models.items()}
        time.sleep(2 * EFFECT_SECONDS)
    late = {tier: last_sent(crowd, model) - ordered[tier] for tier, model in models.items()}
    record_testsuite_property("seconds from the order to the last request that the candidate answered", late)

    assert late["heavy"] < 0
    assert late["light"] < EFFECT_SECONDS
    assert all(newest(crowd, model) == STABLE for model in models.values())


def test_a_deploy_in_the_middle_of_releases_moves_nothing(
    environment: LocalEnvironment, waiting: Heavy, releases: Releases, crowd: Crowd
) -> None:
    before = (waiting.weights(), waiting.version("blue"), waiting.version("green"))
    processes = [waiting.process(slot) for slot in ("blue", "green")]

    write_config(releases.folder, max_tasks=3)
    environment.deploy(step=lambda _: nullcontext())
    deployed = time.time()

    assert (waiting.weights(), waiting.version("blue"), waiting.version("green")) == before
    assert all(process.is_running() for process in processes)
    for tier in TIERS:
        model = WAITING.model(tier)
        assert releases.record(model).phase is Phase.RUNNING
        until(lambda model=model: crowd.versions(model, deployed).keys() == {STABLE, CANDIDATE})


def test_weights_that_somebody_else_has_moved_are_built_on_by_nobody(waiting: Heavy, releases: Releases) -> None:
    model = WAITING.model("heavy")
    waiting.set_weights(blue=50, green=50)

    releases.until(model, lambda record: record.conflict)
    assert waiting.weights() == {"blue": 50, "green": 50}
    waiting.set_weights(blue=80, green=20)
    releases.until(model, lambda record: not record.conflict)


@ON_BOTH_TIERS
def test_an_order_promotes(releases: Releases, crowd: Crowd, tier: str) -> None:
    model = WAITING.model(tier)
    running = releases.until_in(model, Phase.RUNNING)
    answered = crowd.versions(model, entered(running, Phase.RUNNING).at.timestamp() + EFFECT_SECONDS)
    assert answered[CANDIDATE] < answered[STABLE]

    promoted = releases.command("promote", model, "-m", "seen enough")
    assert promoted.exit_code == 0, promoted.output
    assert releases.record(model).phase is Phase.PROMOTED


@RELEASES
def test_a_release_ends_as_its_candidate_deserves(releases: Releases, crowd: Crowd, case: Case, tier: str) -> None:
    model = case.model(tier)
    record = releases.until_over(model)
    last = record.history[-1]

    assert record.phase.value == case.ends, record.history
    assert case.blamed in " ".join(last.evidence), last
    until(lambda: crowd.versions(model, last.at.timestamp() + EFFECT_SECONDS).total() >= 5)
    winner = CANDIDATE if case.ends == "promoted" else STABLE
    assert crowd.versions(model, last.at.timestamp() + EFFECT_SECONDS).keys() == {winner}


@ON_BOTH_TIERS
def test_an_ab_test_keeps_every_user_at_one_version(releases: Releases, crowd: Crowd, tier: str) -> None:
    model = BY_NAME["ab"].model(tier)
    record = releases.until_over(model)
    since = entered(record, Phase.RUNNING).at.timestamp() + EFFECT_SECONDS
    until_ = record.history[-1].at.timestamp()
    met: dict[int, set[int | None]] = {}
    for reply in crowd.about(model):
        if since < reply.sent and reply.came < until_:
            met.setdefault(reply.question.records[0]["user"], set()).add(reply.version)

    assert all(len(versions) == 1 for versions in met.values())
    assert {version for versions in met.values() for version in versions} == {STABLE, CANDIDATE}


def test_every_step_is_told_with_its_evidence(releases: Releases, inbox: Inbox) -> None:
    records = [releases.until_over(case.model(tier)) for case, tier in EVERY]
    told = inbox.messages()

    assert told
    for record in records:
        mine = [message for message in told if message.startswith(f"Release {record.id} ")]
        for entry in record.history:
            assert any(entry.what in message and all(line in message for line in entry.evidence) for message in mine), (
                entry
            )


def test_no_request_failed_because_of_a_release(
    releases: Releases, crowd: Crowd, record_testsuite_property: Note
) -> None:
    for case, tier in EVERY:
        releases.until_over(case.model(tier))
    failed = [reply for reply in tuple(crowd.replies) if reply.status != 200]
    own = [reply for reply in failed if is_candidates_own(releases, reply)]
    record_testsuite_property("load", summary(crowd.replies))
    record_testsuite_property("failed by the candidate itself", len(own))

    assert [reply for reply in failed if reply not in own] == []
    assert own
    assert crowd.refused_feedback == []


def start(releases: Releases, case: Case, tier: str) -> None:
    """Start a release as people do."""
    options = [f"--option={name}={value}" for name, value in {**JUDGE, **case.options}.items()]
    arguments = ["start", case.model(tier), str(CANDIDATE), "--strategy", case.strategy, *options]
    begun = releases.command(*arguments, "--reason", f"to see {case.name}")
    assert begun.exit_code == 0, begun.output


def rolled_back(releases: Releases, model: str) -> float:
    """Roll a release back; gives the time at which the command was done."""
    done = releases.command("rollback", model, "--reason", "to see it undone")
    assert done.exit_code == 0, done.output
    return time.time()


def newest(crowd: Crowd, model: str) -> int | None:
    """The version that answered a model's newest answer; None where there is none."""
    replies = crowd.about(model)
    return replies[-1].version if replies else None


def last_sent(crowd: Crowd, model: str) -> float:
    """When the last request was sent that the candidate has answered."""
    return max(reply.sent for reply in crowd.about(model) if reply.version == CANDIDATE)


def is_candidates_own(releases: Releases, reply: Reply) -> bool:
    """Whether it is the fault of a candidate that fails on a word, while it had traffic."""
    case = next(case for case in CASES if reply.question.model in map(case.model, TIERS))
    if case.name != "failing" or POISON not in reply.question.records[0]["text"] or reply.status != 500:
        return False
    record = releases.record(reply.question.model)
    since = entered(record, Phase.RUNNING).at.timestamp()
    last = entered(record, Phase.ROLLED_BACK).at.timestamp() + EFFECT_SECONDS
    return since <= reply.came and reply.sent <= last
