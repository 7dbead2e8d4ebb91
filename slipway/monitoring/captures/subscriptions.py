"""Unpacks the events that CloudWatch Logs sends to a function subscribed to a log group.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import zlib
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.utilities.parser.models.cloudwatch import CloudWatchLogsData, CloudWatchLogsModel
from pydantic import ConfigDict, ValidationError, field_validator
from pydantic_core import from_json

from slipway.config.validation import field_problems
from slipway.errors import MalformedError, TooLargeError

MOST_BYTES = 32 * 1024 * 1024
"""The limit on an event's unpacked size. Lambda accepts 6 MB packed, and log lines compress about tenfold."""

_PACKED_BYTES = 8 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_FIELD = "awslogs.data"


class _Data(CloudWatchLogsData):
    """Powertools' model with a size limit, which its own unpacking lacks."""

    @field_validator("decoded_data", mode="before")
    @classmethod
    def prepare_data(cls, value: object) -> object:
        """Unpack the data; overrides the validator of Powertools' model."""
        if not isinstance(value, str):
            raise MalformedError.of(_FIELD, "must be a string")
        try:
            return from_json(unpacked(value))
        except ValueError as error:
            raise MalformedError.of(_FIELD, f"has no JSON in it: {error}") from error


class _Event(CloudWatchLogsModel):
    model_config = ConfigDict(hide_input_in_errors=True)  # events hold users' data, which must not be logged

    awslogs: _Data


def subscribed_lines(event: Any) -> Sequence[str]:
    """Return an event's log lines in the order written; control messages have none.

    Raises:
        MalformedError: ``event`` is not what CloudWatch Logs sends.
        TooLargeError: it unpacks to more than `MOST_BYTES`.
    """
    try:
        content = _Event.model_validate(event).awslogs.decoded_data
    except ValidationError as error:
        raise MalformedError(field_problems(error)) from error
    # Control messages have lines too: CloudWatch Logs sends them to check that the function exists.
    if content.messageType != "DATA_MESSAGE":
        return ()
    return tuple(str(each.message) for each in content.logEvents)


def unpacked(packed: str) -> bytes:
    """Return the JSON of an event's `data`.

    Raises:
        MalformedError: it is not gzip in base64.
        TooLargeError: it unpacks to more than `MOST_BYTES`.
    """
    if len(packed) > _PACKED_BYTES:
        raise TooLargeError.of(_FIELD, f"must have at most {_PACKED_BYTES} characters")
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(b64decode(packed, validate=True), MOST_BYTES)
    except (ValueError, zlib.error) as error:  # binascii.Error is a ValueError
        raise MalformedError.of(_FIELD, f"is not gzip in base64: {error}") from error
    if unpacking.eof:
        return content
    if len(content) < MOST_BYTES:
        raise MalformedError.of(_FIELD, "is cut off")
    raise TooLargeError.of(_FIELD, f"unpacks to more than {MOST_BYTES} bytes")
