"""Reads the outputs of deployed stacks."""

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


def _described(client: Any, stack: str) -> Any:
    try:
        return client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
