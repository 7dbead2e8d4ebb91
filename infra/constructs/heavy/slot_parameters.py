"""The versions and weights of a heavy model's slots, as SSM parameters."""

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from slipway.config.heavy import SLOTS, Slot, output_prefix, slot_parameter

INITIAL_WEIGHTS = {"blue": "100", "green": "0"}


class SlotParameters(Construct):
    """Version and weight of each slot, created by the first deploy and changed only by releases.

    If anything about a parameter changes in the template, CloudFormation writes it again and resets its value. So these
    have only a name and a value, no tags and no description, and the version is a parameter of the stack, which
    `cdk deploy` leaves as the first deploy set it.
    """

    def __init__(self, scope: Construct, id_: str, *, project: str, model: str, stable: int) -> None:
        super().__init__(scope, id_)
        initial = cdk.CfnParameter(
            cdk.Stack.of(self),
            f"{output_prefix(model)}InitialVersion",
            type="Number",
            default=stable,
            min_value=1,
            description=f"The version that the first deploy of {model} starts with; later deploys ignore it",
        )
        for slot in SLOTS:
            version, weight = (f"{slot.capitalize()}{each}" for each in ("Version", "Weight"))
            self._parameter(version, slot_parameter(project, model, slot, "version"), initial.value_as_string)
            self._parameter(weight, slot_parameter(project, model, slot, "weight"), INITIAL_WEIGHTS[slot])

    def _parameter(self, id_: str, name: str, value: str) -> None:
        parameter = ssm.CfnParameter(self, id_, name=name, type="String", value=value)
        cdk.Tags.of(parameter).remove("slipway:project", priority=300)


def resolved(project: str, model: str, slot: Slot, value: Literal["version", "weight"]) -> str:
    """The dynamic reference that CloudFormation resolves to a slot's parameter during a deploy."""
    return f"{{{{resolve:ssm:{slot_parameter(project, model, slot, value)}}}}}"
