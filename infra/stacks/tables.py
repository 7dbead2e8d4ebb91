"""The DynamoDB tables, as the stacks pass them on."""

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb


@dataclass(frozen=True)
class Tables:
    """The DynamoDB tables."""

    features: dynamodb.ITable
    predictions: dynamodb.ITable
    control: dynamodb.ITable
