"""Why a run failed, in a sentence."""

import json

import pytest

from slipway.training.account.failures import failure_sentence

FUNCTION = json.dumps({"errorType": "UnavailableError", "errorMessage": "the bucket is gone.", "trace": []})
TASK = json.dumps(
    {
        "Containers": [{"ExitCode": 137, "Reason": "OutOfMemoryError: Container killed due to memory usage"}],
        "StoppedReason": "Essential container in task exited",
    }
)

NOT_STARTED = json.dumps(
    {
        "Containers": [{"LastStatus": "STOPPED", "Name": "training"}],
        "StopCode": "TaskFailedToStart",
        "StoppedReason": "TaskFailedToStart: no instance has 1 GPU",
    }
)


@pytest.mark.parametrize(
    ("phase", "error", "cause", "said", "sentence"),
    [
        ("checking", "UnavailableError", FUNCTION, "", "It failed while checking: the bucket is gone."),
        (
            "training",
            "States.TaskFailed",
            TASK,
            "",
            "It failed while training: the task ended with exit code 137; OutOfMemoryError: Container killed due to "
            "memory usage; Essential container in task exited.",
        ),
        (
            "training",
            "States.TaskFailed",
            TASK,
            "the recipe raised KeyError: 'x'",
            "It failed while training: the recipe raised KeyError: 'x'.",
        ),
        (
            "training",
            "States.TaskFailed",
            NOT_STARTED,
            "the recipe raised KeyError: 'x', in an earlier attempt",
            "It failed while training: the task could not start; TaskFailedToStart: no instance has 1 GPU.",
        ),
        (
            "training",
            "ECS.AmazonECSException",
            "Capacity is unavailable at this time.",
            "the recipe raised KeyError: 'x', in an earlier attempt",
            "It failed while training: Capacity is unavailable at this time.",
        ),
        ("training", "States.Timeout", "", "", "It took longer than its time limit while training."),
        ("releasing", "States.Runtime", "", "", "It failed while releasing: States.Runtime."),
        ("releasing", "Odd", "[1]", "", "It failed while releasing: [1]."),
    ],
)
def test_the_sentence_names_the_step_and_the_reason(
    phase: str, error: str, cause: str, said: str, sentence: str
) -> None:
    assert failure_sentence(phase, error, cause, said) == sentence


def test_a_task_that_never_began_is_no_slow_recipe() -> None:
    sentence = failure_sentence("training", "States.Timeout", "", awaited="instance with a GPU")
    assert sentence == "It failed while training: no instance with a GPU came within its time limit."


def test_a_long_reason_is_one_line_of_some_length() -> None:
    sentence = failure_sentence("training", "E", "many\nlines " * 200)
    assert "\n" not in sentence
    assert len(sentence) < 700
