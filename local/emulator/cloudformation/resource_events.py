"""CloudFormation's events on EventBridge, one for each status of a resource; MiniStack publishes none."""

import json
from typing import Any

from ministack.services import eventbridge
from ministack.services.cloudformation import stacks

_STACK = "AWS::CloudFormation::Stack"


def install() -> None:
    """Make this process's MiniStack publish them."""
    record = stacks._add_event

    def record_and_publish(stack_id: str, stack: str, *resource: str, **more: Any) -> None:
        record(stack_id, stack, *resource, **more)
        logical_id, type_, status, *_ = resource
        if type_ != _STACK:
            entry = _entry(stack_id, logical_id, type_, status)
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    stacks._add_event = record_and_publish


def _entry(stack_id: str, logical_id: str, type_: str, status: str) -> dict[str, str]:
    detail = {
        "stack-id": stack_id,
        "logical-resource-id": logical_id,
        "resource-type": type_,
        "status-details": {"status": status},
    }
    return {
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Resource Status Change",
        "Detail": json.dumps(detail),
    }
