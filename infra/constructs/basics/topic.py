"""A topic that people subscribe to."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct


def topic(scope: Construct, *, email: str | None, key_arn: str | None, alarms: bool = False) -> sns.Topic:
    """The topic ``Topic`` of ``scope``: TLS only, and encrypted at rest if a key is given.

    ``alarms`` says that alarms of the account publish to it. Roles need only their own policies.
    """
    key = kms.Key.from_key_arn(scope, "Key", key_arn) if key_arn else None
    made = sns.Topic(
        scope, "Topic", display_name=f"Slipway: {cdk.Stack.of(scope).stack_name}", enforce_ssl=True, master_key=key
    )
    if alarms:
        made.add_to_resource_policy(_alarms_may_publish(made))
    if email:
        made.add_subscription(subscriptions.EmailSubscription(email))
    return made


def _alarms_may_publish(to: sns.Topic) -> iam.PolicyStatement:
    """Allow CloudWatch to publish: a topic with a policy has lost the default one, which let the account's alarms."""
    stack = cdk.Stack.of(to)
    any_alarm = stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.PolicyStatement(
        sid="AlarmsMayPublish",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["sns:Publish"],
        resources=[to.topic_arn],
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": any_alarm}},
    )
