"""Why a run failed, in one sentence, from what Step Functions says of the step."""

import json
from collections.abc import Mapping
from typing import Any

_TIMEOUTS = frozenset({"States.Timeout", "Sandbox.Timedout", "Lambda.TimeoutException"})
_CHARACTERS = 600


def failure_sentence(phase: str, error: str, cause: str, said: str = "") -> str:
    """One sentence on a failed step, by its phase.

    Args:
        phase: what the run was doing.
        error: the name of the error, as Step Functions has it.
        cause: its text: of a function its error as JSON, of a task its description.
        said: what the training task itself wrote of its failure.
    """
    if error in _TIMEOUTS:
        return f"It took longer than its time limit while {phase}."
    reason = said or _reason(error, _parsed(cause), cause)
    return f"It failed while {phase}: {' '.join(reason.split())[:_CHARACTERS].rstrip('.')}."


def _reason(error: str, parsed: Mapping[str, Any], cause: str) -> str:
    if "errorMessage" in parsed:
        return str(parsed["errorMessage"])
    containers = parsed.get("Containers", parsed.get("containers", ()))
    if containers:
        container = {name.lower(): value for name, value in containers[0].items()}
        code, why = container.get("exitcode"), container.get("reason")
        stopped = parsed.get("StoppedReason", parsed.get("stoppedReason"))
        return "; ".join(str(part) for part in (f"the task ended with exit code {code}", why, stopped) if part)
    return cause or error


def _parsed(cause: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(cause)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
