"""CloudFormation's events on EventBridge, one for each status of a stack; MiniStack publishes none."""

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
        _, type_, status, *_ = resource
        if type_ == _STACK:
            eventbridge._put_events({"Entries": [_entry(stack_id, status)]}, allow_aws_source=True)

    stacks._add_event = record_and_publish


def _entry(stack_id: str, status: str) -> dict[str, str]:
    return {
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Detail": json.dumps({"stack-id": stack_id, "status-details": {"status": status}}),
    }
