"""Exceptions to the rules that every synth is checked against, each with its reason."""

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
