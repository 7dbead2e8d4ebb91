"""The role of the state machine: it calls the functions of its steps, runs the tasks of its models, and maps."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge_wildcards, exported_name
from infra.constructs.basics.trust import service_of_account
from infra.constructs.batch.task import BatchTask
from slipway.batch.account.runs import RUNS

_TRACE = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
# Step Functions learns by this rule that a task has ended.
_ENDED_TASKS = "StepFunctionsGetEventsForECSTaskRule"


class MachineRole(Construct):
    """The role, with what AWS documents for a Distributed Map over an object, for calls of functions, and for tasks."""

    def __init__(self, scope: Construct, id_: str, *, name: str, bucket: s3.IBucket, traced: bool) -> None:
        super().__init__(scope, id_)
        self.role = iam.Role(self, "Role", assumed_by=service_of_account(self, "states.amazonaws.com"))
        self._name = name
        self._allow(["s3:GetObject"], [bucket.arn_for_objects(f"{RUNS}/*")], "The job determines the object's name.")
        self._map()
        if traced:
            reason = "X-Ray has no resources that a right could name."
            self._allow([f"xray:{action}" for action in _TRACE], ["*"], reason)

    def call(self, *functions: lambda_.IFunction) -> None:
        """Allow calling functions, each by its alias."""
        self._allow(["lambda:InvokeFunction"], [function.function_arn for function in functions], "")

    def run(self, task: BatchTask) -> None:
        """Allow running, watching and stopping a task."""
        stack, cluster = cdk.Stack.of(self), task.tier.cluster
        family = stack.format_arn(
            service="ecs", resource="task-definition", resource_name=f"{task.definition.family}:*"
        )
        within = stack.format_arn(service="ecs", resource="cluster", resource_name=cluster.cluster_name)
        conditions = {"ArnEquals": {"ecs:cluster": within}}
        self._allow(["ecs:RunTask"], [family], "The revisions of one task definition.", conditions)
        tasks = self._tasks(cluster.cluster_name)
        self._allow(["ecs:DescribeTasks", "ecs:StopTask"], [tasks], "")
        found = self._tasks(exported_name(cluster, cluster.cluster_name))
        acknowledge_wildcards(self.role, [found], "The tasks of one cluster, whose ids are random.")
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[task.role.role_arn, task.start_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            )
        )
        rule = stack.format_arn(service="events", resource="rule", resource_name=_ENDED_TASKS)
        self._allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule], "")

    def _map(self) -> None:
        """Allow starting, watching and stopping the machine's own executions, which those of its maps are."""
        colon = cdk.ArnFormat.COLON_RESOURCE_NAME

        def arn(kind: str, name: str) -> str:
            stack = cdk.Stack.of(self)
            return stack.format_arn(service="states", resource=kind, resource_name=name, arn_format=colon)

        reason = "Executions of this state machine, of which Step Functions makes one for each shard."
        self._allow(["states:StartExecution"], [arn("stateMachine", self._name)], "")
        own = arn("execution", f"{self._name}:*")
        self._allow(["states:DescribeExecution", "states:StopExecution"], [own], reason)
        self._allow(["states:RedriveExecution"], [arn("execution", f"{self._name}/*:*")], reason)

    def _tasks(self, cluster: str) -> str:
        return cdk.Stack.of(self).format_arn(service="ecs", resource="task", resource_name=f"{cluster}/*")

    def _allow(
        self,
        actions: Sequence[str],
        resources: Sequence[str],
        reason: str,
        conditions: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        statement = iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
        self.role.add_to_policy(statement)
        if reason:
            acknowledge_wildcards(self.role, resources, reason)
