"""The table of runs, on DynamoDB and in memory: one behaviour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.training_runs import RunsInMemory

from slipway.config.training import TrainingConfig
from slipway.errors import NotFoundError
from slipway.training.account.progress import Data, Phase, Progress, started
from slipway.training.account.table import DynamoRuns, Holder, Question
from slipway.training.run import Trigger, new_run

MODEL = "points"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "dynamodb"])
def runs(request: pytest.FixtureRequest) -> Any:
    return RunsInMemory() if request.param == "memory" else request.getfixturevalue("dynamo_runs")


def progress(name: str, at: datetime = NOW) -> Progress:
    training = TrainingConfig(recipe="recipe:train")
    run = new_run(MODEL, training, id=name, trigger=Trigger(), parent=1, now=at, by="a tester")
    return started(run, f"arn:{name}", at)


def holder(name: str, until: datetime = NOW + HOUR) -> Holder:
    return Holder(name, f"arn:{name}", until)


def test_a_model_is_held_by_one_run_at_a_time(runs: DynamoRuns) -> None:
    assert runs.hold(MODEL, holder("one"), NOW) is None
    assert runs.hold(MODEL, holder("two"), NOW) == holder("one")
    assert runs.hold("another", holder("two"), NOW) is None
    assert runs.hold(MODEL, holder("one"), NOW) is None, "the same execution may ask again"


def test_a_run_is_worked_on_by_one_execution_at_a_time(runs: DynamoRuns) -> None:
    first, second = (Holder("one", f"arn:{name}", NOW + HOUR) for name in ("first", "second"))
    assert runs.hold(MODEL, first, NOW) is None
    assert runs.hold(MODEL, second, NOW) == first
    runs.let_go(first, MODEL)
    assert runs.hold(MODEL, second, NOW) is None, "a run that ended is resumed"


def test_it_is_held_no_longer_than_said(runs: DynamoRuns) -> None:
    runs.hold(MODEL, holder("one"), NOW)
    assert runs.hold(MODEL, holder("two", NOW + 3 * HOUR), NOW + 2 * HOUR) is None
    assert runs.hold(MODEL, holder("one"), NOW + 2 * HOUR) == holder("two", NOW + 3 * HOUR)


def test_a_dead_holder_is_replaced_by_one_of_those_who_saw_it(runs: DynamoRuns) -> None:
    runs.hold(MODEL, holder("one"), NOW)
    assert runs.take_over(MODEL, holder("two"), holder("one")) is None
    assert runs.take_over(MODEL, holder("three"), holder("one")) == holder("two")


def test_only_the_holder_lets_go(runs: DynamoRuns) -> None:
    runs.hold(MODEL, holder("one"), NOW)
    runs.let_go(holder("two"), MODEL)
    assert runs.hold(MODEL, holder("two"), NOW) == holder("one")
    runs.let_go(holder("one"), MODEL)
    assert runs.hold(MODEL, holder("two"), NOW) is None


def test_records_come_back_as_they_were(runs: DynamoRuns) -> None:
    data = Data(rows=9, train_rows=7, sha256="0" * 64, since=NOW, until=NOW + HOUR)
    kept = progress("one").entering(Phase.TRAINING, NOW, "It trains.", data=data)
    runs.save(progress("one"))
    runs.save(kept)
    assert runs.get(MODEL, "one") == kept
    assert runs.find(MODEL, "two") is None
    with pytest.raises(NotFoundError, match="training run of points"):
        runs.get(MODEL, "two")


def test_past_runs_are_newest_first(runs: DynamoRuns) -> None:
    for name, at in (("b", NOW), ("a", NOW + HOUR), ("c", NOW - HOUR)):
        runs.save(progress(name, at))
    runs.hold(MODEL, holder("a"), NOW)
    assert [each.run.id for each in runs.past(MODEL)] == ["a", "b", "c"]


def test_the_last_question_is_kept(runs: DynamoRuns) -> None:
    assert runs.asked(MODEL) is None
    runs.ask(MODEL, Question("one", 3, "first"))
    runs.ask(MODEL, Question("two", 4, "second"))
    assert runs.asked(MODEL) == Question("two", 4, "second")
