"""An SNS topic that people subscribe to."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from slipway.aws.clients import answered_by, new_client

_SUBJECT_CHARACTERS = 100
_MESSAGE_CHARACTERS = 60_000  # SNS limits a message to 256 KB


class Topic:
    """Publishes to one topic; ``options`` are passed to the boto3 client, which is created for the first message."""

    def __init__(self, arn: str, options: Mapping[str, Any]) -> None:
        self._arn = arn
        self._options = options

    def publish(self, subject: str, text: str) -> None:
        """Publish a message; what is too long for SNS is cut off. Raises UnavailableError."""
        with answered_by("SNS"):
            self._client.publish(TopicArn=self._arn, Subject=_subject(subject), Message=text[:_MESSAGE_CHARACTERS])

    @cached_property
    def _client(self) -> Any:
        return new_client("sns", self._options)


def _subject(text: str) -> str:
    """ASCII without line breaks, as SNS requires."""
    return " ".join(text.encode("ascii", "replace").decode().split())[:_SUBJECT_CHARACTERS]
