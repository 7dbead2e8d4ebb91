"""Reads the outputs of a deployed stack."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from slipway.errors import NotFoundError, UnavailableError


def stack_output(stack: str, output: str) -> str:
    """One output of a stack.

    Raises:
        NotFoundError: the stack is not deployed, or has no such output.
        UnavailableError: CloudFormation cannot be asked: no credentials, no region, no network.
    """
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise NotFoundError("deployed stack", stack) from error
        raise UnavailableError("CloudFormation", str(error)) from error
    except BotoCoreError as error:
        raise UnavailableError("CloudFormation", str(error)) from error
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}
    if output not in outputs:
        raise NotFoundError(f"output of stack {stack}", output, outputs)
    return str(outputs[output])
