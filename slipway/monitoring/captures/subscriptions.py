"""What CloudWatch Logs hands to a function that subscribes to a log group: lines of the log, packed.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import zlib
from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import MalformedError, TooLargeError

MOST_BYTES = 32 * 1024 * 1024
"""The most that an event may unpack to; Lambda takes no more than 6 MB packed, and log lines pack to about a tenth."""

_PACKED_BYTES = 8 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_FIELD = "awslogs.data"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Packed(_Part):
    data: Annotated[str, Field(max_length=_PACKED_BYTES)]


class _Event(_Part):
    awslogs: _Packed


class _LogEvent(_Part):
    message: str


class _Content(_Part):
    """A control message has lines, too: they say that CloudWatch Logs looks whether the function is there."""

    message_type: str = Field(alias="messageType")
    log_events: tuple[_LogEvent, ...] = Field(alias="logEvents")


def subscribed_lines(event: Any) -> Sequence[str]:
    """The lines of a log in the order in which they were written, without those of control messages.

    Raises:
        MalformedError: ``event`` is not what CloudWatch Logs sends.
        TooLargeError: it unpacks to more than `MOST_BYTES`.
    """
    try:
        packed = _Event.model_validate(event).awslogs.data
        content = _Content.model_validate_json(_unpacked(packed))
    except ValidationError as error:
        raise MalformedError(field_problems(error)) from error
    if content.message_type != "DATA_MESSAGE":
        return ()
    return tuple(each.message for each in content.log_events)


def _unpacked(packed: str) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(b64decode(packed, validate=True), MOST_BYTES)
    except (ValueError, zlib.error) as error:  # binascii's is a ValueError, too
        raise MalformedError.of(_FIELD, f"is not gzip in base64: {error}") from error
    if unpacking.eof:
        return content
    if len(content) < MOST_BYTES:
        raise MalformedError.of(_FIELD, "is cut off")
    raise TooLargeError.of(_FIELD, f"unpacks to more than {MOST_BYTES} bytes")
