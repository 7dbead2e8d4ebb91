"""A topic that people subscribe to."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct


def topic(scope: Construct, *, email: str | None, key_arn: str | None) -> sns.Topic:
    """The topic ``Topic`` of ``scope``: TLS only, and encrypted at rest if a key is given."""
    key = kms.Key.from_key_arn(scope, "Key", key_arn) if key_arn else None
    made = sns.Topic(
        scope, "Topic", display_name=f"Slipway: {cdk.Stack.of(scope).stack_name}", enforce_ssl=True, master_key=key
    )
    if email:
        made.add_subscription(subscriptions.EmailSubscription(email))
    return made
