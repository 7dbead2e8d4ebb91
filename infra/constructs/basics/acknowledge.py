"""Exceptions to the rules that every synth is checked against, each with its reason."""

from collections.abc import Iterable
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct


def exported_name(owner: IConstruct, value: str) -> str:
    """The name that findings in another stack give to a value, such as an ARN, of ``owner``'s stack."""
    exporting = cdk.Stack.of(owner)
    return str(exporting.resolve(exporting.export_value(value))["Fn::ImportValue"])


def acknowledge(construct: IConstruct, findings: dict[str, str]) -> None:
    """Accept findings on ``construct``, by full id, each with its reason."""
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=finding, reason=reason) for finding, reason in findings.items())
    )


def acknowledge_wildcards(construct: IConstruct, arns: Iterable[str], reason: str) -> None:
    """Accept the wildcards in a policy's resources, of which those of other stacks are by `exported_name`."""
    names = [_as_found(cdk.Stack.of(construct).resolve(arn)) for arn in arns]
    acknowledge(construct, {f"AwsSolutions-IAM5[Resource::{name}]": reason for name in names if "*" in name})


def _as_found(resolved: Any) -> str:
    """A resolved value as findings write it."""
    match resolved:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_as_found, parts))
        case _:
            return str(resolved)
