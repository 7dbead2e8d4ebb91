"""Reads the outputs of deployed stacks."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws.clients import answered_by, new_client


def stack_outputs(stack: str) -> dict[str, str] | None:
    """Return a stack's outputs by name, or None if it is not deployed.

    Raises:
        UnavailableError: CloudFormation cannot be reached: no credentials, no region or no network.
    """
    client = new_client("cloudformation", {})
    with answered_by("CloudFormation"):
        found = _described(client, stack)
    return None if found is None else {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}


def stack_template(
    stack: str, options: Mapping[str, Any] | None = None, client: Any | None = None
) -> dict[str, Any] | None:
    """Return a deployed stack's template, or None if it is not deployed or is not JSON; raises as `stack_output`.

    Without a boto3 ``client``, it makes one with ``options``.
    """
    client = client or new_client("cloudformation", options or {})
    with answered_by("CloudFormation"):
        found = _described(client, stack)
        if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        body: object = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    # A body that botocore cannot read as JSON stays text.
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return None
    return body if isinstance(body, dict) else None


def _described(client: Any, stack: str) -> Any:
    try:
        return client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
