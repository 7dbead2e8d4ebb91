"""What Step Functions does with tasks and aborted executions, and MiniStack does not.

`ecs:runTask.sync` fails if a container exits with another code than 0, and waits for longer than ten minutes. A
stopped execution stops the tasks that it waits for, and its Map Runs start nothing more.
"""

import json
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from ministack.services import ecs
from ministack.services import stepfunctions as engine

_POLL_SECONDS = 0.1
_ABORTED = "ABORTED"
_STOPPED = "States.Aborted"
_execution: ContextVar[Mapping[str, Any] | None] = ContextVar("execution", default=None)


def install() -> None:
    """Change this process's MiniStack."""
    execute, run_states, fail = engine._execute_task, engine._run_sub_machine, engine._fail_execution
    matches = engine._error_matches

    def in_execution(state: Any, given: Any, execution: Any, context: Any) -> Any:
        _execution.set(execution)
        return execute(state, given, execution, context)

    def unless_aborted(states: Any, start: Any, given: Any, execution: Any, context: Any) -> Any:
        if is_aborted(execution):
            raise _stopped()
        return run_states(states, start, given, execution, context)

    def fail_unless_aborted(execution: Any, error: str, cause: str) -> None:
        if not is_aborted(execution):
            fail(execution, error, cause)

    def is_handled(expected: Sequence[str], error: str) -> bool:
        return error != _STOPPED and matches(expected, error)

    engine._fail_execution = fail_unless_aborted
    engine._error_matches = is_handled
    engine._execute_task = in_execution
    engine._run_sub_machine = unless_aborted
    engine._poll_ecs_tasks = await_tasks


def is_aborted(execution: Mapping[str, Any]) -> bool:
    """Whether an execution, or the one whose Map Run it is a child of, was stopped."""
    run = engine._map_runs.get(execution.get("mapRunArn"))
    parent = engine._executions.get(run["executionArn"]) if run else None
    return execution["status"] == _ABORTED or (parent is not None and is_aborted(parent))


def await_tasks(cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
    """Wait until tasks have stopped, and describe them.

    Raises:
        _ExecutionError: a container exited with another code than 0, a task was stopped, or the execution was.
    """
    execution = _execution.get()
    while not _have_stopped(described := _described(cluster, tasks)):
        if execution is not None and is_aborted(execution):
            for task in tasks:
                ecs._stop_task({"cluster": cluster, "task": task, "reason": "the execution was stopped"})
            raise _stopped()
        time.sleep(_POLL_SECONDS)
    for task in described["tasks"]:
        if task["stopCode"] != "EssentialContainerExited" or any(each["exitCode"] for each in task["containers"]):
            raise engine._ExecutionError("States.TaskFailed", json.dumps(task))
    return described


def _stopped() -> Exception:
    """The end of what an execution was doing when it was stopped; no retrier and no catcher handles it."""
    error: Exception = engine._ExecutionError(_STOPPED, "the execution was stopped")
    return error


def _described(cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ecs._describe_tasks({"cluster": cluster, "tasks": list(tasks)})[2])
    return found


def _have_stopped(described: Mapping[str, Any]) -> bool:
    return bool(described["tasks"]) and all(task["lastStatus"] == "STOPPED" for task in described["tasks"])
