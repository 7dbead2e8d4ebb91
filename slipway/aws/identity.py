"""Identifies the caller by its credentials."""

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws.clients import reason_of
from slipway.errors import UnavailableError


def caller_arn(**options: Any) -> str:
    """Return the caller's ARN; ``options`` go to the client. Raises UnavailableError without credentials."""
    try:
        return str(boto3.client("sts", **options).get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("AWS", reason_of(error)) from error
