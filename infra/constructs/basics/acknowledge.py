"""Exceptions from the rules that every synth is checked against, each with its reason."""

import aws_cdk as cdk
from constructs import IConstruct


def exported_name(owner: IConstruct, value: str) -> str:
    """How findings of another stack call a value, such as an ARN, of the stack that ``owner`` is in."""
    exporting = cdk.Stack.of(owner)
    return str(exporting.resolve(exporting.export_value(value))["Fn::ImportValue"])


def acknowledge(construct: IConstruct, findings: dict[str, str]) -> None:
    """Accept findings on ``construct``: the full id of each, and why it is right here."""
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=finding, reason=reason) for finding, reason in findings.items())
    )
