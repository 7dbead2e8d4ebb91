"""Notifications, through a topic in moto."""

import json
from datetime import timedelta

import boto3
import pytest
from moto import mock_aws
from support.releases.records import NOW, make_release

from slipway.errors import UnavailableError
from slipway.releases.controller.notifications import SnsNotifier
from slipway.releases.record.phases import HistoryEntry, Phase

OPTIONS = {"region_name": "eu-west-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


@mock_aws
def test_each_entry_is_a_message_with_its_evidence() -> None:
    topic = boto3.client("sns", **OPTIONS).create_topic(Name="releases")["TopicArn"]
    sqs = boto3.client("sqs", **OPTIONS)
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns", **OPTIONS).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    what = "rolled back: „zu viele Fehler“\n" + "x" * 200
    entry = HistoryEntry(
        at=NOW + timedelta(minutes=3), by="controller", phase=Phase.ROLLED_BACK, what=what, evidence=("5 %",)
    )
    SnsNotifier(topic, OPTIONS).tell(make_release(), [entry])
    body = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert body["Subject"].isascii()
    assert len(body["Subject"]) == 100
    assert "- 5 %" in body["Message"]
    assert "All traffic is at the version that was stable before." in body["Message"]


@mock_aws
def test_a_topic_that_is_gone_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="SNS"):
        SnsNotifier("arn:aws:sns:eu-west-1:123456789012:gone", OPTIONS).tell(make_release(), make_release().history)
