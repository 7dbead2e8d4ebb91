"""The state machine of batch jobs: plan, then a Distributed Map over the shards that are missing, then finish."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.constructs.batch.machine_role import MachineRole
from infra.constructs.batch.task import BatchTask
from infra.constructs.heavy.task import CONTAINER
from slipway.batch.account.work import LIGHT
from slipway.config.batch import BatchConfig
from slipway.config.deployment.environment import BATCH_RUN, BATCH_SHARD
from slipway.config.heavy import output_prefix

_LONGEST = cdk.Duration.days(2)
_LONGEST_SHARD = cdk.Duration.hours(2)
_ENDED_BY_LAMBDA = [
    *("Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException", "Lambda.AWSLambdaException"),
    *("Lambda.SdkClientException", "Lambda.TooManyRequestsException", "Lambda.Unknown"),
    *("Runtime.ExitError", "Sandbox.Timedout"),
]
_FAILED_FOR_NOW = "UnavailableError"
"""The error of a step that a service has failed, by the name of its class."""

# A task that was interrupted, or that ended with another exit code than 0.
_ENDED_TASKS = ["States.TaskFailed", "ECS.AmazonECSException", "ECS.ThrottlingException"]
_RETRIES: dict[str, Any] = {
    "interval": cdk.Duration.seconds(2),
    "backoff_rate": 3,
    "max_attempts": 3,
    "jitter_strategy": sfn.JitterType.FULL,
}


def machine_name(project: str) -> str:
    """The name of the state machine, by which rights and dashboards of other stacks know it."""
    return f"{project}-batch"


class BatchMachine(Construct):
    """The state machine; ``plan`` and ``score`` are the functions of its steps, ``heavy`` the task of each model.

    A shard that fails does not end the job: the others are scored, unless too many fail, and `finish` says why.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        settings: BatchConfig,
        bucket: s3.IBucket,
        plan: lambda_.IFunction,
        score: lambda_.IFunction,
        heavy: Mapping[str, BatchTask],
        traced: bool,
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._bucket = bucket
        finish = self._step("Finish", plan, {"step": "finish", "run": sfn.JsonPath.object_at("$.run")})
        choice = sfn.Choice(self, "WhatIsMissing").when(sfn.Condition.number_equals("$.missing", 0), finish)
        for model, task in heavy.items():
            mapped = self._map(f"ScoreBy{output_prefix(model)}", self._run_task(model, task))
            choice.when(sfn.Condition.string_equals("$.scorer", model), self._then(mapped, finish))
        shard = {"step": "score", "run.$": "$.run", "shard.$": "$.shard"}
        light = self._map("ScoreLight", self._invoke("Score", score, sfn.TaskInput.from_object(shard)))
        choice.when(sfn.Condition.string_equals("$.scorer", LIGHT), self._then(light, finish))
        choice.otherwise(sfn.Fail(self, "Unknown", error="NotFoundError", cause="No such model is deployed here"))
        role = MachineRole(self, "Acting", name=name, bucket=bucket, traced=traced)
        role.call(plan, score)
        for task in heavy.values():
            role.run(task)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            comment="Slipway: scores batch jobs",
            definition_body=sfn.DefinitionBody.from_chainable(self._plan(plan).next(choice)),
            # The CDK would allow it every task and every object of the bucket.
            role=role.role.without_policy_updates(),
            timeout=_LONGEST,
            tracing_enabled=traced,
        )
        # The CDK's own policy for maps, which the role does not take.
        self.machine.node.try_remove_child("DistributedMapPolicy")
        self.machine.node.add_dependency(role.role)  # its creation fails before the role may call

    def _plan(self, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        event = {
            "step": "plan",
            "run": sfn.JsonPath.object_at("$"),
            "execution": sfn.JsonPath.string_at("$$.Execution.Name"),
            "started": sfn.JsonPath.string_at("$$.Execution.StartTime"),
        }
        return self._step("Plan", function, event)

    def _step(self, id_: str, function: lambda_.IFunction, event: Mapping[str, object]) -> tasks.LambdaInvoke:
        return self._invoke(id_, function, sfn.TaskInput.from_object(dict(event)))

    def _invoke(self, id_: str, function: lambda_.IFunction, payload: sfn.TaskInput) -> tasks.LambdaInvoke:
        invoked = tasks.LambdaInvoke(
            self,
            id_,
            lambda_function=function,
            payload=payload,
            payload_response_only=True,
            retry_on_service_exceptions=False,
        )
        invoked.add_retry(errors=[*_ENDED_BY_LAMBDA, _FAILED_FOR_NOW], **_RETRIES)
        return invoked

    def _run_task(self, model: str, task: BatchTask) -> sfn.CustomState:
        """Run a task and wait for its end. The CDK's own state takes none that run on GPU instances."""
        network = task.tier.network
        variables = {BATCH_RUN: "States.JsonToString($.run)", BATCH_SHARD: "States.Format('{}', $.shard.number)"}
        values = [{"Name": name, "Value.$": value} for name, value in variables.items()]
        parameters = {
            "Cluster": task.tier.cluster.cluster_arn,
            "TaskDefinition": task.definition.task_definition_arn,
            **self._capacity(task),
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": network.vpc.select_subnets(subnet_type=network.subnets.subnet_type).subnet_ids,
                    "SecurityGroups": [network.tasks.security_group_id],
                    "AssignPublicIp": "DISABLED",
                }
            },
            "Overrides": {"ContainerOverrides": [{"Name": CONTAINER, "Environment": values}]},
        }
        state = {
            "Type": "Task",
            "Resource": f"arn:{cdk.Aws.PARTITION}:states:::ecs:runTask.sync",
            "Parameters": parameters,
            "ResultSelector": {},
            "TimeoutSeconds": int(_LONGEST_SHARD.to_seconds()),
        }
        started = sfn.CustomState(self, f"Run{output_prefix(model)}", state_json=state)
        started.add_retry(errors=_ENDED_TASKS, **_RETRIES)
        return started

    def _capacity(self, task: BatchTask) -> dict[str, object]:
        name = task.tier.provider or ("FARGATE_SPOT" if self._settings.spot else None)
        if name is None:
            return {"LaunchType": "FARGATE"}
        return {"CapacityProviderStrategy": [{"CapacityProvider": name, "Weight": 1}]}

    def _map(self, id_: str, work: sfn.IChainable) -> sfn.DistributedMap:
        """Score each line of what is missing, as far as it gets; nothing passes through its result."""
        mapped = sfn.DistributedMap(
            self,
            id_,
            map_execution_type=sfn.StateMachineType.STANDARD,
            max_concurrency=self._settings.concurrency,
            item_reader=sfn.S3JsonLItemReader(bucket=self._bucket, key=sfn.JsonPath.string_at("$.items")),
            item_selector={"run.$": "$.run", "shard.$": "$$.Map.Item.Value"},
            tolerated_failure_count_path="$.tolerated",
            result_path=sfn.JsonPath.DISCARD,
        )
        mapped.item_processor(work, mode=sfn.ProcessorMode.DISTRIBUTED, execution_type=sfn.ProcessorType.STANDARD)
        return mapped

    def _then(self, mapped: sfn.DistributedMap, finish: tasks.LambdaInvoke) -> sfn.DistributedMap:
        """Finish whatever the map came to: `finish` knows which shards are not done, and why."""
        mapped.add_catch(finish, errors=["States.ALL"], result_path="$.failure")
        mapped.next(finish)
        return mapped
