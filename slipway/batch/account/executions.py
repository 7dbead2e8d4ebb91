"""Runs of the state machine of batch jobs, in Step Functions."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.batch.account.runs import Run

_SERVICE = "Step Functions"
RUNNING, SUCCEEDED, ABORTED = "RUNNING", "SUCCEEDED", "ABORTED"


@dataclass(frozen=True, slots=True)
class Execution:
    """One run, in the words of Step Functions: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None


@dataclass(frozen=True, slots=True)
class Described:
    """A run with what it was asked for, what came of it, and in a sentence why it failed, if it did."""

    execution: Execution
    run: Run
    output: Mapping[str, Any]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of a run by what has become of them; it counts those that were missing when it began."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    running: int = 0


class Executions:
    """The runs of one state machine; ``options`` are those of boto3's client. Raises UnavailableError."""

    def __init__(self, machine: str, options: Mapping[str, Any]) -> None:
        self._machine = machine
        self._options = options

    @cached_property
    def _client(self) -> Any:
        return new_client("stepfunctions", self._options)

    def start(self, name: str, run: Run) -> str:
        """Start a run and return its ARN."""
        with answered_by(_SERVICE):
            started = self._client.start_execution(
                stateMachineArn=self._machine, name=name, input=run.model_dump_json(exclude_none=True)
            )
        arn: str = started["executionArn"]
        return arn

    def stop(self, execution: Execution) -> None:
        """Stop a run: Step Functions stops its tasks, and begins no more shards."""
        with answered_by(_SERVICE):
            self._client.stop_execution(executionArn=execution.arn, error="Cancelled", cause="slipway batch cancel")

    def recent(self, most: int = 1000) -> list[Execution]:
        """The latest runs, newest first."""
        with answered_by(_SERVICE):
            return list(islice(self._all(), most))

    def _all(self) -> Iterator[Execution]:
        for page in self._client.get_paginator("list_executions").paginate(stateMachineArn=self._machine):
            yield from map(_execution, page["executions"])

    def describe(self, arn: str) -> Described:
        """One run, by its ARN."""
        with answered_by(_SERVICE):
            found = self._client.describe_execution(executionArn=arn)
        output = json.loads(found.get("output") or "{}") if found["status"] == SUCCEEDED else {}
        run = Run.model_validate_json(found["input"])
        return Described(_execution(found), run, output, reason_of(found.get("error"), found.get("cause")))

    def shards(self, arn: str) -> Shards:
        """How far the map of a run is."""
        with answered_by(_SERVICE):
            runs = self._client.list_map_runs(executionArn=arn)["mapRuns"]
            if not runs:
                return Shards()
            counts = self._client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
        return Shards(*(counts.get(name, 0) for name in ("total", "succeeded", "failed", "running")))


def reason_of(error: str | None, cause: str | None) -> str | None:
    """Why a run failed: the message of the step that did, or what Step Functions says; None if it did not."""
    if not error and not cause:
        return None
    try:
        found = json.loads(cause or "")
    except ValueError:
        found = None
    message = found.get("errorMessage") if isinstance(found, dict) else cause
    return str(message or error)


def _execution(found: Mapping[str, Any]) -> Execution:
    return Execution(found["executionArn"], found["name"], found["status"], found["startDate"], found.get("stopDate"))
