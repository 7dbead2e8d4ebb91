"""Which runs begin, and what is written down of them and told."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from fakes.training_runs import RunsInMemory

from slipway.config import parse_config
from slipway.errors import InputError, NotFoundError
from slipway.training.account.desk import Begun, Desk, Start, longest, run_id, training_of
from slipway.training.account.progress import Phase
from slipway.training.run import Run, Trigger

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
CONFIG = parse_config(
    """
    models:
      points:
        versions: [1, 2]
        stable: 1
        training: { recipe: "recipe:train", timeout_minutes: 30, approval: required, approval_hours: 24 }
      fixed: { versions: [1], stable: 1 }
    """
)
MODEL = "points"


@dataclass
class World:
    """A desk whose clock and executions a test moves."""

    now: datetime = START
    runs: RunsInMemory = field(default_factory=RunsInMemory)
    running: set[str] = field(default_factory=set)
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        def tell(subject: str, text: str) -> None:
            self.told.append((subject, text))

        return Desk(CONFIG, self.runs, self.running.__contains__, lambda _: 2, tell, lambda: self.now)

    def begin(self, run: str = "one", *, kind: str = "hand", model: str = MODEL) -> Begun:
        self.running.add(f"arn:{run}")
        return self.desk.begin(Start(model, run, f"arn:{run}", Trigger(kind=kind, reason="why"), "a tester"))

    def begun(self, run: str = "one", *, kind: str = "hand") -> Run:
        made = self.begin(run, kind=kind).run
        assert made is not None
        return made


def test_a_run_learns_from_the_window_that_ends_now_and_is_compared_with_what_serves() -> None:
    world = World()
    run = world.begun()
    assert (run.parent, run.window.until, run.by) == (2, START, "a tester")
    assert world.runs.get(MODEL, "one").what == "Started by a tester (hand: why)."


def test_one_run_of_a_model_is_active() -> None:
    world = World()
    world.begin("one")
    assert world.begin("two").reason == "Run one of points is active, and one runs at a time."
    assert world.runs.find(MODEL, "two") is None


def test_the_same_execution_may_begin_again() -> None:
    world = World()
    assert world.begun("one") == world.begun("one")
    assert len(world.runs.get(MODEL, "one").history) == 1


def test_a_dead_run_does_not_hold_its_model() -> None:
    world = World()
    world.begin("one")
    world.running.clear()
    assert world.begun("two").id == "two"


def test_the_longest_time_of_a_run_ends_its_hold_whatever_its_execution_says() -> None:
    world = World()
    world.begin("one")
    world.now += longest(training_of(CONFIG, MODEL)) + timedelta(seconds=1)
    assert world.begun("two").id == "two"


def test_the_hold_is_long_enough_for_the_training_and_for_a_person() -> None:
    assert longest(training_of(CONFIG, MODEL)) > timedelta(hours=24, minutes=30)


def test_a_finished_run_lets_others_begin_and_is_told() -> None:
    world = World()
    run = world.begun("one")
    world.desk.finish(run, Phase.REFUSED, "The gates refused it: worse.")
    assert world.begun("two").id == "two"
    (subject, text), *_ = world.told
    assert subject == "points: training refused"
    assert "The gates refused it: worse." in text
    assert "`slipway train status points` shows more." in text


def test_a_failed_run_is_resumed_as_it_was() -> None:
    world = World()
    first = world.begun("one")
    world.desk.finish(first, Phase.FAILED, "It failed while training: no memory.")
    world.now += timedelta(days=3)
    again = world.desk.begin(Start(MODEL, "one", "arn:again", Trigger(), "another")).run
    assert again == first
    record = world.runs.get(MODEL, "one")
    assert (record.execution, record.what) == ("arn:again", "Resumed by another.")


@pytest.mark.parametrize("phase", [Phase.RELEASED, Phase.DECLINED, Phase.REJECTED])
def test_a_run_that_has_ended_otherwise_is_not_resumed(phase: Phase) -> None:
    world = World()
    world.desk.finish(world.begun("one"), phase, "So it ended.")
    begun = world.desk.begin(Start(MODEL, "one", "arn:again", Trigger(), "another"))
    assert begun.run is None
    assert begun.reason == f"Run one has ended ({phase}: So it ended.)"


def test_findings_start_one_run_in_the_quiet_hours() -> None:
    world = World()
    world.desk.finish(world.begun("one", kind="drift"), Phase.REFUSED)
    world.now += timedelta(hours=19)
    assert "`quiet_hours`" in world.begin("two", kind="accuracy").reason
    assert world.begun("three").id == "three", "a person may start one"
    world.desk.finish(world.runs.get(MODEL, "three").run, Phase.DECLINED)
    world.now += timedelta(hours=2)
    assert world.begun("four", kind="accuracy").id == "four"


def test_a_run_that_lacked_labels_is_no_reason_to_be_quiet() -> None:
    world = World()
    world.desk.finish(world.begun("one", kind="drift"), Phase.DECLINED)
    world.now += timedelta(hours=1)
    assert world.begun("two", kind="accuracy").id == "two"
    assert world.told == []  # an alarm that stands triggers a run each day


def test_a_person_is_asked_with_the_commands_that_answer() -> None:
    world = World()
    run = world.begun("one")
    world.desk.ask(run, 3, "token")
    question = world.runs.asked(MODEL)
    assert question is not None
    assert (question.run, question.version, question.token) == ("one", 3, "token")
    assert world.runs.get(MODEL, "one").phase is Phase.WAITING
    assert "`slipway train approve points` or `slipway train reject points`" in world.told[-1][1]


def test_a_step_done_twice_is_written_down_once() -> None:
    world = World()
    run = world.begun("one")
    for _ in range(2):
        world.desk.enter(run, Phase.TRAINING, "It trains.")
    assert [entry.phase for entry in world.runs.get(MODEL, "one").history] == [Phase.ASSEMBLING, Phase.TRAINING]


def test_models_that_are_not_trained_are_refused() -> None:
    with pytest.raises(InputError, match=r"models\.fixed\.training"):
        World().begin(model="fixed")
    with pytest.raises(NotFoundError):
        World().begin(model="other")


def test_the_id_of_a_run_is_that_of_its_execution() -> None:
    made = run_id("2026-05-01T12:00:00.5Z", "arn:execution")
    assert made == run_id("2026-05-01T12:00:00.5Z", "arn:execution")
    assert made.startswith("20260501T120000-")
    assert made != run_id("2026-05-01T12:00:00.5Z", "arn:other")
