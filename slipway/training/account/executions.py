"""The executions of the state machine `retrain`: start, describe, and answer for a person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.errors import ConflictError

_SERVICE = "Step Functions"
RUNNING = "RUNNING"


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer to whether a version may be released."""

    approved: bool
    by: str
    reason: str = ""


class Executions:
    """Executions of one state machine; ``options`` are passed to the boto3 client. Raises UnavailableError."""

    def __init__(self, machine: str, options: Mapping[str, Any]) -> None:
        self._machine = machine
        self._options = options

    def start(self, name: str, given: Mapping[str, Any]) -> str:
        """Start an execution of this name and return its ARN."""
        with answered_by(_SERVICE):
            answer = self._client.start_execution(
                stateMachineArn=self._machine, name=name, input=json.dumps(given, ensure_ascii=False)
            )
        return str(answer["executionArn"])

    def is_running(self, arn: str) -> bool:
        """Whether an execution is at work; one that nobody knows any more is not."""
        client = self._client
        with answered_by(_SERVICE):
            try:
                return bool(client.describe_execution(executionArn=arn)["status"] == RUNNING)
            except client.exceptions.ExecutionDoesNotExist:
                return False

    def answer(self, token: str, given: Answer) -> None:
        """Give an execution the answer that it waits for; raises ConflictError if it does not wait any more."""
        client = self._client
        gone = (client.exceptions.TaskDoesNotExist, client.exceptions.TaskTimedOut, client.exceptions.InvalidToken)
        output = json.dumps({"approved": given.approved, "by": given.by, "reason": given.reason}, ensure_ascii=False)
        with answered_by(_SERVICE):
            try:
                client.send_task_success(taskToken=token, output=output)
            except gone as error:
                raise ConflictError("the run does not wait for an answer any more") from error

    @cached_property
    def _client(self) -> Any:
        return new_client("stepfunctions", self._options)
