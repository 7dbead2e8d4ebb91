"""The state machine `retrain`: from a start by hand, schedule or finding to a release, or to why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.basics.trust import service_of_account
from infra.constructs.heavy.gpu_capacity import GpuCapacity
from infra.constructs.training.launch import GpuTarget, fargate
from infra.constructs.training.network import TaskNetwork
from infra.constructs.training.task import TrainingTask
from slipway.config.deployment.environment import TRAINING_RUN
from slipway.config.heavy import output_prefix
from slipway.config.training import TrainingConfig

_PASSING = ["UnavailableError", "TriedInVainError"]
"""Errors of a step that go away by themselves."""

_ECS_PASSING = ["ECS.AmazonECSException", "ECS.ThrottlingException"]
"""Errors of starting a task that go away by themselves, such as one for lack of capacity."""
# Fields of a stopped task, which is the cause. A person's reason for the run is in it, too, with its quotes escaped.
_TAKEN_BACK = (
    '*"StopCode":"SpotInterruption"*',
    '*"StopCode":"TerminationNotice"*',
    '*"StoppedReason":"Host EC2 (*',
)

_YEAR = cdk.Duration.days(364)  # an execution lasts a year at most


def machine_name(project: str) -> str:
    """The name of the state machine, by which a function may name it that is itself one of its steps."""
    return f"{project}-retrain"


@dataclass(frozen=True)
class StepFunctionAliases:
    """The function of each group of steps, by the rights that they need; ``train`` by model with `compute: lambda`."""

    desk: lambda_.IFunction
    assemble: lambda_.IFunction
    check: lambda_.IFunction
    register: lambda_.IFunction
    release: lambda_.IFunction
    train: Mapping[str, lambda_.IFunction]

    @property
    def all(self) -> tuple[lambda_.IFunction, ...]:
        """All of them."""
        return self.desk, self.assemble, self.check, self.register, self.release, *self.train.values()


@dataclass(frozen=True)
class Tasks:
    """The training tasks by model, and where they run; ``gpus`` by model with `compute: gpu`."""

    definitions: Mapping[str, TrainingTask]
    cluster: ecs.ICluster
    network: TaskNetwork
    gpus: Mapping[str, GpuCapacity]


class RetrainMachine(Construct):
    """A standard state machine. Every step is idempotent, so a run can be begun again wherever it was killed."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        trained: Mapping[str, TrainingConfig],
        functions: StepFunctionAliases,
        tasks: Tasks | None,
    ) -> None:
        super().__init__(scope, id_)
        self._trained, self._functions, self._tasks = trained, functions, tasks
        self._failed = self._failure()
        role = iam.Role(self, "Role", assumed_by=service_of_account(self, "states.amazonaws.com"))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=machine_name(project),
            comment="Slipway: trains models again, checks, registers and releases them",
            definition_body=sfn.DefinitionBody.from_chainable(self._begin()),
            timeout=_YEAR,
            role=role.without_policy_updates(),
        )
        self._allow(role)
        # AWS refuses a machine that waits for tasks if its role may not yet make the rule that it hears of them by.
        self.machine.node.add_dependency(role)
        self._acknowledge()

    def _begin(self) -> sfn.IChainable:
        given = {
            "given.$": "$$.Execution.Input",
            "started_at.$": "$$.Execution.StartTime",
            "execution.$": "$$.Execution.Id",
        }
        begin = tasks.LambdaInvoke(
            self,
            "Begin",
            lambda_function=self._functions.desk,
            payload=sfn.TaskInput.from_object({"step": "begin", **given}),
            payload_response_only=True,
        )
        begin.add_retry(errors=_PASSING, interval=cdk.Duration.seconds(10), max_attempts=5)
        not_begun = sfn.Succeed(self, "NotBegun", comment="The reason is in the output")
        return begin.next(sfn.Choice(self, "HasBegun").when(_is_true("$.go"), self._assemble()).otherwise(not_begun))

    def _assemble(self) -> sfn.IChainable:
        assemble = self._step("Assemble", self._functions.assemble, "assemble", {}, result_path="$.assembled")
        declined = self._finish("Decline", "declined", {"reason.$": "$.assembled.reason"})
        return assemble.next(
            sfn.Choice(self, "IsEnough").when(_is_true("$.assembled.go"), self._train()).otherwise(declined)
        )

    def _train(self) -> sfn.IChainable:
        judged, choice = self._check(), sfn.Choice(self, "WhichModel")
        for model, training in self._trained.items():
            step = (
                self._lambda_training(model) if training.compute == "lambda" else self._task_training(model, training)
            )
            choice = choice.when(sfn.Condition.string_equals("$.model", model), step.next(judged))
        unknown = sfn.Fail(
            self, "UnknownModel", error="UnknownModel", cause="This model is not trained by this project."
        )
        return choice.otherwise(unknown)

    def _lambda_training(self, model: str) -> tasks.LambdaInvoke:
        return self._step(
            f"Train{output_prefix(model)}", self._functions.train[model], "train", {}, result_path="$.trained"
        )

    def _task_training(self, model: str, training: TrainingConfig) -> tasks.EcsRunTask:
        """Run the model's task to its end; one that Spot interrupted is run again, and goes on from what it stored.

        Its time limit begins before there is an instance, so waiting for a GPU ends, too.
        """
        assert self._tasks is not None  # noqa: S101 - the stack makes them for models like this
        task, name = self._tasks.definitions[model], f"Train{output_prefix(model)}"
        gpus = self._tasks.gpus.get(model)
        run_variable = tasks.TaskEnvironmentVariable(
            name=TRAINING_RUN, value=sfn.JsonPath.json_to_string(sfn.JsonPath.object_at("$.run"))
        )
        run = tasks.EcsRunTask(
            self,
            name,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            cluster=self._tasks.cluster,
            task_definition=task.definition,
            launch_target=fargate(spot=training.spot) if gpus is None else GpuTarget(gpus),
            assign_public_ip=gpus is None,
            subnets=self._tasks.network.subnets,
            security_groups=[self._tasks.network.tasks],
            container_overrides=[
                tasks.ContainerOverride(container_definition=task.container, environment=[run_variable])
            ],
            task_timeout=sfn.Timeout.duration(cdk.Duration.minutes(training.timeout_minutes)),
            result_path=sfn.JsonPath.DISCARD,
        )
        run.add_retry(errors=_ECS_PASSING, interval=cdk.Duration.minutes(1), max_attempts=5)
        again = sfn.Choice(self, f"{name}Again")
        interrupted = sfn.Condition.and_(
            sfn.Condition.string_equals("$.error.Error", "States.TaskFailed"),
            sfn.Condition.or_(*(sfn.Condition.string_matches("$.error.Cause", each) for each in _TAKEN_BACK)),
        )
        run.add_catch(again.when(interrupted, run).otherwise(self._failed), result_path="$.error")
        return run

    def _check(self) -> sfn.IChainable:
        check = self._step("Check", self._functions.check, "check", {}, result_path="$.checked")
        refused = self._finish("Refuse", "refused", {"reason.$": "$.checked.reason"})
        return check.next(
            sfn.Choice(self, "HasPassed").when(_is_true("$.checked.passed"), self._register()).otherwise(refused)
        )

    def _register(self) -> sfn.IChainable:
        register = self._step("Register", self._functions.register, "register", {}, result_path="$.registered")
        release = self._release()
        return register.next(
            sfn.Choice(self, "NeedsApproval").when(_is_true("$.approval"), self._ask(release)).otherwise(release)
        )

    def _ask(self, release: sfn.IChainable) -> sfn.IChainable:
        """Wait for a person, by a token that the desk keeps; silence is no approval."""
        ask = tasks.LambdaInvoke(
            self,
            "Ask",
            lambda_function=self._functions.desk,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(
                {"step": "ask", "run.$": "$.run", "version.$": "$.registered.version", "token": sfn.JsonPath.task_token}
            ),
            task_timeout=sfn.Timeout.at("$.approval_seconds"),
            result_path="$.answer",
        )
        ask.add_retry(errors=_PASSING, interval=cdk.Duration.seconds(10), max_attempts=5)
        silent = self._finish("GiveUpWaiting", "rejected", {"reason": "Nobody approved it in time."})
        ask.add_catch(silent, errors=["States.Timeout"], result_path="$.error")
        ask.add_catch(self._failed, result_path="$.error")
        reason = {"reason.$": "States.Format('{} did not approve it: {}', $.answer.by, $.answer.reason)"}
        rejected = self._finish("Reject", "rejected", reason)
        given = {"version.$": "$.registered.version", "answer.$": "$.answer"}
        approved = self._step("Approve", self._functions.desk, "approve", given, result_path=sfn.JsonPath.DISCARD)
        choice = sfn.Choice(self, "IsApproved").when(_is_true("$.answer.approved"), approved.next(release))
        return ask.next(choice.otherwise(rejected))

    def _release(self) -> sfn.IChainable:
        version = {"version.$": "$.registered.version"}
        start = self._step("Release", self._functions.release, "release", version, result_path="$.started")
        # Another release of the model may be about to end.
        start.add_retry(errors=["ConflictError"], interval=cdk.Duration.minutes(5), max_attempts=12, backoff_rate=1)
        released = self._finish("Done", "released", {"release.$": "$.started.release"})
        registered = self._finish("DoneWithoutRelease", "registered", {})
        return (
            sfn.Choice(self, "IsToBeReleased").when(_is_true("$.release"), start.next(released)).otherwise(registered)
        )

    def _step(
        self, id_: str, function: lambda_.IFunction, step: str, given: Mapping[str, Any], *, result_path: str
    ) -> tasks.LambdaInvoke:
        state = tasks.LambdaInvoke(
            self,
            id_,
            lambda_function=function,
            payload=sfn.TaskInput.from_object({"step": step, "run.$": "$.run", **given}),
            payload_response_only=True,
            result_path=result_path,
        )
        state.add_retry(errors=_PASSING, interval=cdk.Duration.seconds(10), max_attempts=5)
        state.add_catch(self._failed, result_path="$.error")
        return state

    def _finish(self, id_: str, phase: str, given: Mapping[str, Any]) -> sfn.IChainable:
        end = self._step(
            id_, self._functions.desk, "finish", {"phase": phase, **given}, result_path=sfn.JsonPath.DISCARD
        )
        return end.next(sfn.Succeed(self, f"{id_}End"))

    def _failure(self) -> sfn.IChainable:
        """Write down why a step failed; the execution fails, and `slipway train start --resume` goes on."""
        note = tasks.LambdaInvoke(
            self,
            "NoteFailure",
            lambda_function=self._functions.desk,
            payload=sfn.TaskInput.from_object({"step": "fail", "run.$": "$.run", "error.$": "$.error"}),
            payload_response_only=True,
            result_path="$.failed",
        )
        note.add_retry(errors=_PASSING, interval=cdk.Duration.seconds(10), max_attempts=5)
        return note.next(sfn.Fail(self, "Failed", error="RunFailed", cause_path="$.failed.reason"))

    def _allow(self, role: iam.Role) -> None:
        """Allow the machine its steps, and no more: CDK would add rights on all tasks and all versions of functions."""
        self._to(role, ["lambda:InvokeFunction"], *(each.function_arn for each in self._functions.all))
        if self._tasks is None:
            return
        stack, cluster = cdk.Stack.of(self), self._tasks.cluster
        of_cluster = {"ArnEquals": {"ecs:cluster": cluster.cluster_arn}}
        to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
        for task in self._tasks.definitions.values():
            definitions = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{task.family}:*")
            self._to(role, ["ecs:RunTask"], definitions, conditions=of_cluster)
            acknowledge_wildcards(role, [definitions], "The revisions of one task definition.")
            roles = (task.role.role_arn, task.start_role.role_arn)
            self._to(role, ["iam:PassRole"], *roles, conditions=to_tasks)
        running = stack.format_arn(service="ecs", resource="task", resource_name=f"{cluster.cluster_name}/*")
        self._to(role, ["ecs:DescribeTasks", "ecs:StopTask"], running)
        acknowledge_wildcards(role, [running], "The tasks of this cluster, whose ids ECS gives them when they start.")
        # By this rule, which it makes itself, Step Functions hears that a task has ended.
        rule = stack.format_arn(service="events", resource="rule", resource_name="StepFunctionsGetEventsForECSTaskRule")
        self._to(role, ["events:DescribeRule", "events:PutRule", "events:PutTargets"], rule)

    @staticmethod
    def _to(role: iam.Role, actions: list[str], *resources: str, conditions: Mapping[str, Any] | None = None) -> None:
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources), conditions=conditions))

    def _acknowledge(self) -> None:
        history = (
            "The execution's history has every event for 90 days; a log of them would hold the runs' inputs twice."
        )
        tracing = "A run takes minutes to days, and its record has the time of each step."
        acknowledge(self.machine, {"AwsSolutions-SF1": history, "AwsSolutions-SF2": tracing})


def _is_true(path: str) -> sfn.Condition:
    return sfn.Condition.boolean_equals(path, value=True)
