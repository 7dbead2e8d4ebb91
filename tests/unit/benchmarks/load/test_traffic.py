"""The requests of the load, the names of processes, and which log lines are errors."""

import gzip
import json

import pytest

from benchmarks.load.logs import is_error
from benchmarks.load.processes import name_of
from benchmarks.load.releasing import EFFECT_SECONDS, running_span
from benchmarks.load.requests import Ask, Predictions
from benchmarks.load.schedule import seeded
from benchmarks.load.traffic import KINDS
from benchmarks.load.wrong import WRONG

# They say the time or the prediction of the run.
OF_THE_RUN = {"features, write", "features, 20 rows", "feedback"}


def made(kind: str, seed: int) -> Ask:
    predictions = Predictions()
    predictions.note([{"id": "tweet-sentiment.1.x", "label": "positive"}])
    return KINDS[kind].make(seeded(seed), predictions)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - OF_THE_RUN))
def test_the_same_seed_makes_the_same_request(kind: str) -> None:
    assert made(kind, 5) == made(kind, 5)


def test_mistakes_are_answered_by_a_4xx_and_all_else_is_not() -> None:
    assert all(400 <= status < 500 for each in WRONG for status in each.right)
    assert {status for kind in KINDS.keys() - {"mistake"} for status in made(kind, 1).right} == {200, 201, 409}
    shares = {kind: each.share for kind, each in KINDS.items()}
    assert 0.02 < shares["mistake"] / sum(shares.values()) < 0.06


def test_bodies_are_what_their_kind_says() -> None:
    packed = made("heavy tweets, gzip", 1)
    assert json.loads(gzip.decompress(packed.body))["inputs"]
    assert 500_000 < len(made("big body", 1).body) < 1024 * 1024
    assert made("tweets, V2 binary", 1).headers["content-type"] == "application/octet-stream"
    assert made("tweet, sticky", 1).key is not None


def test_feedback_is_given_once_for_each_prediction_while_there_are_others() -> None:
    predictions = Predictions()
    for number in range(3):
        predictions.note([{"id": str(number), "label": "late"}])
    asked = [json.loads(KINDS["feedback"].make(seeded(1), predictions).body)["prediction_id"] for _ in range(4)]

    assert asked == ["0", "1", "2", "2"]


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"AWS_LAMBDA_FUNCTION_NAME": "slipway-serving-PredictFunction51F85491-07C27CD0D2FD4"}, "function Predict"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "mine"}, "function mine"),
        ({"SLIPWAY_SLOT": "blue", "SLIPWAY_MODEL": "large"}, "task large blue"),
        ({}, "other"),
    ],
)
def test_processes_are_named_by_their_environment(environment: dict[str, str], name: str) -> None:
    assert name_of(environment) == name


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{"level": "ERROR", "message": "x"}', True),
        ('{"level": "INFO", "message": "ERROR is a word here"}', False),
        ("Traceback (most recent call last):", True),
        ("[ERROR] Runtime.ExitError", True),
        ("START RequestId: 1", False),
        ("[1, 2]", False),
    ],
)
def test_errors_are_found_in_logs(line: str, error: bool) -> None:
    assert is_error(line) is error


def test_a_release_keeps_to_its_shares_from_a_while_after_it_runs_until_it_does_not() -> None:
    def record(*phases: tuple[int, str]) -> dict[str, object]:
        return {"history": [{"at": f"2026-11-28T00:0{minute}:00Z", "phase": phase} for minute, phase in phases]}

    running = running_span(record((0, "pending"), (1, "running"), (5, "rolled-back")))
    assert running is not None
    assert running[1] - running[0] == 240 - EFFECT_SECONDS
    assert running_span(record((0, "pending"), (1, "rolled-back"))) is None
    endless = running_span(record((1, "running")))
    assert endless is not None
    assert endless[1] == float("inf")
