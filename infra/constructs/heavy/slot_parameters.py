"""What a heavy model's slots serve and how much of the traffic each gets, as SSM parameters."""

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from slipway.config.heavy import SLOTS, Slot, output_prefix, slot_parameter

INITIAL_WEIGHTS = {"blue": "100", "green": "0"}


class SlotParameters(Construct):
    """Version and weight of each slot: made by the first deploy, and then the releases' to change.

    CloudFormation writes a parameter again when anything about it changes in the template, and takes its value back to
    what the template says. So these have a name and a value and nothing else, no tag nor description, and the version
    is a parameter of the stack, which `cdk deploy` leaves at what the first deploy gave it.
    """

    def __init__(self, scope: Construct, id_: str, *, project: str, model: str, stable: int) -> None:
        super().__init__(scope, id_)
        initial = cdk.CfnParameter(
            cdk.Stack.of(self),
            f"{output_prefix(model)}InitialVersion",
            type="Number",
            default=stable,
            min_value=1,
            description=f"The version that the very first deploy of {model} starts with; without effect on later ones",
        )
        for slot in SLOTS:
            version, weight = (f"{slot.capitalize()}{each}" for each in ("Version", "Weight"))
            self._parameter(version, slot_parameter(project, model, slot, "version"), initial.value_as_string)
            self._parameter(weight, slot_parameter(project, model, slot, "weight"), INITIAL_WEIGHTS[slot])

    def _parameter(self, id_: str, name: str, value: str) -> None:
        parameter = ssm.CfnParameter(self, id_, name=name, type="String", value=value)
        cdk.Tags.of(parameter).remove("slipway:project", priority=300)


def resolved(project: str, model: str, slot: Slot, value: Literal["version", "weight"]) -> str:
    """What CloudFormation replaces, as it deploys, by what a slot's parameter holds then."""
    return f"{{{{resolve:ssm:{slot_parameter(project, model, slot, value)}}}}}"
