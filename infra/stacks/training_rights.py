"""The policy of those who start, watch and approve training runs."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn

from infra.constructs.basics.acknowledge import acknowledge_wildcards
from infra.constructs.basics.table import of_partitions
from infra.constructs.training.machine import machine_name
from infra.stacks.policies import managed_policy, stacks_arn
from slipway.config import Config


def trainer_policy(
    stack: cdk.Stack,
    *,
    config: Config,
    control: dynamodb.ITable,
    machine: sfn.StateMachine,
    groups: Sequence[logs.ILogGroup],
) -> None:
    """Allow what `slipway train` needs: start and see runs, read their logs, and answer for a person."""
    stacks = stacks_arn(stack, config.project)
    executions = stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine_name(config.project)}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    reading = ["dynamodb:BatchGetItem", "dynamodb:Query"]
    partitions = [f"training#{model}" for model in sorted(config.trained_models)]
    statements = [
        iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[stacks]),
        iam.PolicyStatement(actions=reading, resources=[control.table_arn], conditions=of_partitions(partitions)),
        iam.PolicyStatement(
            actions=["states:StartExecution", "states:SendTaskSuccess"], resources=[machine.state_machine_arn]
        ),
        iam.PolicyStatement(actions=["states:DescribeExecution"], resources=[executions]),
        iam.PolicyStatement(actions=["logs:FilterLogEvents"], resources=[each.log_group_arn for each in groups]),
    ]
    description = f"Slipway, {config.project}: may start, watch and approve training"
    policy = managed_policy(stack, "Trainer", description=description, statements=statements)
    found = [stacks, executions]
    acknowledge_wildcards(policy, found, "What the commands of `slipway train` need, of this project alone.")
