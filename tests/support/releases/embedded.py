"""Releases of a project in the embedded AWS, by the commands that people give, and what becomes of them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from typer.testing import CliRunner, Result

from slipway.cli import app
from slipway.cli.release.target import find_releases
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry, Phase
from support.embedded import Aws

SECONDS = 900.0  # a release here takes some minutes, more where the machine has other things to do
_POLL_SECONDS = 0.5
_CALL_SECONDS = 8.0
_ALIAS = "live"


class Releases:
    """The releases of the project in ``folder``, whose embedded AWS is up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with chdir(folder):
            self._store = find_releases(Path("slipway.yaml")).deployment.store()

    def command(self, *arguments: str) -> Result:
        """What `slipway release …` does in the project's folder."""
        with chdir(self.folder):
            return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["release", *arguments], catch_exceptions=True)

    def record(self, model: str) -> ReleaseRecord:
        """The last release of a model."""
        return self._store.current([model])[0]

    def until(self, model: str, reached: Callable[[ReleaseRecord], object]) -> ReleaseRecord:
        """Wait until the release of a model is so far."""
        deadline = time.monotonic() + SECONDS
        while not reached(record := self.record(model)):
            assert time.monotonic() < deadline, record.model_dump_json(indent=1, include={"phase", "history"})
            time.sleep(_POLL_SECONDS)
        return record

    def until_in(self, model: str, phase: Phase) -> ReleaseRecord:
        """Wait until a release is in a phase; it must not end in another one before."""
        record = self.until(model, lambda record: record.phase is phase or record.settled)
        assert record.phase is phase, record.history
        return record

    def until_over(self, model: str) -> ReleaseRecord:
        """Wait until a release has ended, and the world is as it should be."""
        return self.until(model, lambda record: record.settled)


def entered(record: ReleaseRecord, phase: Phase) -> HistoryEntry:
    """The entry with which a release came into a phase."""
    return next(entry for entry in record.history if entry.phase is phase)


@contextmanager
def controller_stopped(aws: Aws) -> Iterator[None]:
    """Nobody calls the controller meanwhile."""
    events = aws("events")
    rules = [rule["Name"] for rule in events.list_rules()["Rules"] if rule.get("ScheduleExpression")]
    for rule in rules:
        events.disable_rule(Name=rule)
    try:
        yield
    finally:
        for rule in rules:
            events.enable_rule(Name=rule)


class Controller:
    """Calls the controller in between the calls of its schedule, so that no release waits for a minute to be over.

    A call that is refused or fails is not made again: the next one comes soon.
    """

    def __init__(self, aws: Aws, function: str) -> None:
        self._aws = aws
        self._function = function
        self._lambda = aws("lambda")
        self._calling = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="controller")

    def __enter__(self) -> "Controller":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Nobody calls the controller meanwhile, and no call from here is under way."""
        with self._calling, controller_stopped(self._aws):
            yield

    def _run(self) -> None:
        while not self._ended.wait(_CALL_SECONDS):
            with self._calling:
                self._call()

    def _call(self) -> None:
        try:
            answer = self._lambda.invoke(FunctionName=self._function, Qualifier=_ALIAS, Payload=b"{}")
            answer["Payload"].read()
        except (BotoCoreError, ClientError):
            return


class Inbox:
    """A queue that is subscribed to the topic of the releases."""

    def __init__(self, aws: Aws, topic: str) -> None:
        self._sqs: Any = aws("sqs")
        self._url = self._sqs.create_queue(QueueName="told")["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]}
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        raw = {"RawMessageDelivery": "true"}
        aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)

    def messages(self) -> list[str]:
        """What has come since the last look."""
        found: list[str] = []
        while True:
            part = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
            if not part:
                return found
            for each in part:
                found.append(each["Body"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=each["ReceiptHandle"])
