"""Why a run failed, in one sentence, from what Step Functions says of the step."""

import json
from collections.abc import Mapping
from typing import Any

_TIMEOUTS = frozenset({"States.Timeout", "Sandbox.Timedout", "Lambda.TimeoutException"})
_CHARACTERS = 600


def failure_sentence(phase: str, error: str, cause: str, said: str = "", *, awaited: str = "") -> str:
    """One sentence on a failed step, by its phase.

    Args:
        phase: what the run was doing.
        error: the name of the error, as Step Functions has it.
        cause: its text: of a function its error as JSON, of a task its description.
        said: what the training task itself wrote of its failure, which may be that of an earlier attempt.
        awaited: what the task was still waiting for.
    """
    if error in _TIMEOUTS and awaited:
        return f"It failed while {phase}: no {awaited} came within its time limit."
    if error in _TIMEOUTS:
        return f"It took longer than its time limit while {phase}."
    parsed = _parsed(cause)
    reason = _reason(error, parsed, cause)
    if said and not error.startswith("ECS.") and not _never_ran(parsed):
        reason = said
    return f"It failed while {phase}: {' '.join(reason.split())[:_CHARACTERS].rstrip('.')}."


def _reason(error: str, parsed: Mapping[str, Any], cause: str) -> str:
    if "errorMessage" in parsed:
        return str(parsed["errorMessage"])
    if container := _container(parsed):
        code, why = container.get("exitcode"), container.get("reason")
        stopped = parsed.get("StoppedReason", parsed.get("stoppedReason"))
        end = "the task could not start" if code is None else f"the task ended with exit code {code}"
        return "; ".join(str(part) for part in (end, why, stopped) if part)
    return cause or error


def _never_ran(parsed: Mapping[str, Any]) -> bool:
    """Whether it is a task whose container has no exit code, for lack of capacity or of its image."""
    container = _container(parsed)
    return bool(container) and container.get("exitcode") is None


def _container(parsed: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first container of a task's description, by names in lower case; empty if it is none."""
    containers = parsed.get("Containers", parsed.get("containers", ()))
    return {name.lower(): value for name, value in containers[0].items()} if containers else {}


def _parsed(cause: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(cause)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
