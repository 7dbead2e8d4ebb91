"""The rights that `slipway batch` needs in an account."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from infra.constructs.batch.machine import machine_name
from infra.stacks.policies import stacks_arn
from slipway.batch.account.runs import INPUTS, JOBS
from slipway.config import Config


class BatchOperatorRights:
    """The statements of the policy of those who run jobs, and their resources that have wildcards."""

    def __init__(self, stack: cdk.Stack, *, config: Config, machine: sfn.StateMachine, bucket: s3.IBucket) -> None:
        self.statements: list[iam.PolicyStatement] = []
        self.wildcards: list[str] = []
        self._allow(["states:StartExecution", "states:ListExecutions"], machine.state_machine_arn)
        executions = [
            stack.format_arn(
                service="states",
                resource=kind,
                resource_name=f"{machine_name(config.project)}{end}",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for kind, end in (("execution", ":*"), ("mapRun", "/*"))
        ]
        actions = ("DescribeExecution", "StopExecution", "ListMapRuns", "DescribeMapRun")
        self._allow([f"states:{action}" for action in actions], *executions)
        self._allow(["s3:ListBucket"], bucket.bucket_arn)
        self._allow(["s3:GetObject"], bucket.arn_for_objects(f"{JOBS}/*"))
        self._allow(["s3:GetObject", "s3:PutObject"], bucket.arn_for_objects(f"{INPUTS}/*"))
        self._allow(["cloudformation:DescribeStacks"], stacks_arn(stack, config.project))

    def _allow(self, actions: Sequence[str], *resources: str) -> None:
        self.statements.append(iam.PolicyStatement(actions=list(actions), resources=list(resources)))
        self.wildcards += [each for each in resources if "*" in each]
