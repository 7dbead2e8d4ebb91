"""boto3 clients of the emulator with its administrator's keys."""

from typing import Any

import boto3

from local.environment.settings import ACCESS_KEY, REGION, SECRET_KEY


def client(service: str, emulator: str) -> Any:
    """Create a client of one service."""
    return boto3.client(
        service,
        endpoint_url=emulator,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
