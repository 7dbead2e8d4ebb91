"""Reads the template of training: its state machine, and what its roles may do."""

import json
from typing import Any

from support.arrows.templates import World

WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem"}


def states(world: World) -> dict[str, Any]:
    (machine,) = (each for each in world.of_type("AWS::StepFunctions::StateMachine") if each.stack == "tiny-training")
    return json.loads(world.text(machine.stack, machine.properties["DefinitionString"]))["States"]


def statements(resources: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """The statements of the roles whose ids contain a text."""
    return [
        {**each, "Action": each["Action"] if isinstance(each["Action"], list) else [each["Action"]]}
        for id_, policy in resources.items()
        if policy["Type"] == "AWS::IAM::Policy" and part in id_
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def keys_written(resources: dict[str, Any], part: str) -> set[str]:
    """The partitions of the control table that a role may write."""
    found = set[str]()
    for each in statements(resources, part):
        if WRITES & set(each["Action"]):
            keys = each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            found |= set(keys if isinstance(keys, list) else [keys])
    return found


def folders(resources: dict[str, Any], part: str, action: str) -> set[str]:
    """The ends of the ARNs of objects that a role may use."""
    found = set[str]()
    for each in statements(resources, part):
        if action in each["Action"]:
            listed = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
            found |= {arn["Fn::Join"][1][-1].lstrip("/") for arn in listed}
    return found
