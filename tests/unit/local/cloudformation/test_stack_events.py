"""What becomes of a stack is published as CloudFormation does."""

import json
from typing import Any

import pytest
from ministack.services import eventbridge
from ministack.services.cloudformation import stacks

from local.emulator.cloudformation import stack_events


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(stacks, "_add_event", lambda *_, **__: None)
    monkeypatch.setattr(eventbridge, "_put_events", lambda data, **options: found.append({**data, **options}))
    stack_events.install()
    return found


def test_a_status_of_a_stack_is_an_event(published: list[dict[str, Any]]) -> None:
    stacks._add_event("arn:stack", "s", "s", "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", "why", physical_id="x")
    ((entry,),) = (each["Entries"] for each in published)
    assert published[0]["allow_aws_source"]
    assert (entry["Source"], entry["DetailType"]) == ("aws.cloudformation", "CloudFormation Stack Status Change")
    assert json.loads(entry["Detail"]) == {"stack-id": "arn:stack", "status-details": {"status": "UPDATE_COMPLETE"}}


def test_the_status_of_a_resource_is_none(published: list[dict[str, Any]]) -> None:
    stacks._add_event("arn:stack", "s", "Rule", "AWS::ElasticLoadBalancingV2::ListenerRule", "UPDATE_COMPLETE")
    assert published == []
