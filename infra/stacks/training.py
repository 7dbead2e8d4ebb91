"""Training in the account: the state machine `retrain`, what starts it, and the functions and tasks of its steps."""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.bundling.image import EMBEDDED, training_image_asset
from infra.constructs.basics.log_group import log_group
from infra.constructs.basics.private_bucket import private_bucket
from infra.constructs.basics.trust import service_of_account
from infra.constructs.heavy.gpu_capacity import GpuCapacity, GpuNeeds
from infra.constructs.training.functions import Stores, TrainingFunctions, allow_training
from infra.constructs.training.machine import RetrainMachine, StepFunctionAliases, Tasks
from infra.constructs.training.network import TaskNetwork
from infra.constructs.training.task import TaskImage, TrainingTask
from infra.stacks.tables import Tables
from infra.stacks.training_rights import trainer_policy
from slipway.config import Config
from slipway.config.deployment.environment import CONTROL_TABLE, MODEL_BUCKET, TRAINING_BUCKET
from slipway.config.heavy import output_prefix
from slipway.config.training import TrainingConfig
from slipway.monitoring.event_bus import DETAIL_TYPES, SOURCE
from slipway.training.account.workspace import CHECKS, DATA, DRAFTS, STATES

_DRAFT_DAYS = 30
_IDLE_SECONDS = 60  # an instance with a GPU costs as much idle as at work, and runs are hours or days apart


class TrainingStack(cdk.Stack):
    """The stack of the models with `training`; ``context`` is that of the tasks' image, None if none is built."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundle: Path,
        context: Path | None,
        tables: Tables,
        models: s3.IBucket,
        captures: s3.IBucket,
        history: s3.IBucket,
        topic: sns.ITopic,
        description: str,
    ) -> None:
        super().__init__(scope, id_, description=description)
        self._config, self._context = config, context
        bucket = TrainingBucket(self, "Files", capture_days=config.monitoring.capture_retention_days).bucket
        self._stores = Stores(tables.control, models, captures, history, bucket)
        functions = TrainingFunctions(self, "Steps", config=config, bundle=bundle, stores=self._stores, topic=topic)
        tasked = {name: each for name, each in config.trained_models.items() if each.compute != "lambda"}
        self._tasks = self._made(tasked) if tasked else None
        self.machine = RetrainMachine(
            self,
            "Retrain",
            project=config.project,
            trained=config.trained_models,
            functions=StepFunctionAliases(
                desk=functions.desk.alias,
                assemble=functions.assemble.alias,
                check=functions.check.alias,
                register=functions.register.alias,
                release=functions.release.alias,
                train={name: each.alias for name, each in functions.train.items()},
            ),
            tasks=self._tasks,
        ).machine
        self._start_by_rules()
        self._note_killed_runs(functions)
        groups = [each.logs for each in (functions.desk, functions.assemble, functions.check, functions.register)]
        groups += [functions.release.logs, *(each.logs for each in functions.train.values())]
        if tasked:
            groups.append(self._logs)
        trainer_policy(self, config=config, control=tables.control, machine=self.machine, groups=groups)
        cdk.CfnOutput(self, "TrainingStateMachine", value=self.machine.state_machine_arn)
        cdk.CfnOutput(self, "TrainingBucket", value=bucket.bucket_name)
        cdk.CfnOutput(self, "TrainingLogs", value=cdk.Fn.join(",", [each.log_group_name for each in groups]))

    def _made(self, tasked: Mapping[str, TrainingConfig]) -> Tasks:
        """The tasks of the models, and the cluster and network that they run in."""
        on_gpus = {name: each for name, each in tasked.items() if each.compute == "gpu"}
        network = TaskNetwork(self, "Network", instances=bool(on_gpus))
        cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=True,
        )
        self._logs = log_group(self, "Logs", retention_days=self._config.monitoring.log_retention_days)
        gpus = {name: self._gpus(name, each, network, cluster) for name, each in on_gpus.items()}
        # Models with the same packages share an image.
        images = {file: self._image(file) for file in {each.requirements: None for each in tasked.values()}}
        definitions = {name: self._task(name, each, images[each.requirements]) for name, each in tasked.items()}
        return Tasks(definitions, cluster, network, gpus)

    def _gpus(self, model: str, training: TrainingConfig, network: TaskNetwork, cluster: ecs.Cluster) -> GpuCapacity:
        size = training.size
        return GpuCapacity(
            self,
            f"{output_prefix(model)}Gpus",
            needs=GpuNeeds(size.vcpus, size.memory_mb, training.gpus, training.instance_types),
            subnets=network.vpc.public_subnets,
            group=network.tasks,
            cluster=cluster,
            spot=training.spot,
            idle_seconds=_IDLE_SECONDS,
        )

    def _task(self, model: str, training: TrainingConfig, image: TaskImage) -> TrainingTask:
        stores = self._stores
        task = TrainingTask(
            self,
            f"{output_prefix(model)}Task",
            project=self._config.project,
            model=model,
            training=training,
            image=image,
            group=self._logs,
            environment={
                CONTROL_TABLE: stores.control.table_name,
                MODEL_BUCKET: stores.models.bucket_name,
                TRAINING_BUCKET: stores.training.bucket_name,
            },
            monitoring=self._config.monitoring,
        )
        allow_training(task, stores, model)
        return task

    def _image(self, requirements: str | None) -> TaskImage:
        """The image of the tasks with these packages of recipes."""
        if self._context is None:
            return TaskImage(ecs.ContainerImage.from_registry(EMBEDDED))
        id_ = "Image" if requirements is None else f"Image{blake2b(requirements.encode(), digest_size=4).hexdigest()}"
        asset = training_image_asset(self, id_, context=self._context, requirements=requirements)
        return TaskImage(ecs.ContainerImage.from_docker_image_asset(asset), asset.repository)

    def _start_by_rules(self) -> None:
        """Start runs by schedule, and by findings of the monitor of this project and model."""
        started = {model: each for model, each in self._config.trained_models.items() if each.schedule or each.triggers}
        if not started:
            return
        role = iam.Role(self, "RulesRole", assumed_by=service_of_account(self, "events.amazonaws.com"))
        self.machine.grant_start_execution(role)
        for model, training in started.items():
            name = output_prefix(model)
            if training.schedule is not None:
                given = {
                    "model": model,
                    "by": "EventBridge",
                    "trigger": {"kind": "schedule", "reason": training.schedule},
                }
                events.Rule(
                    self,
                    f"{name}Schedule",
                    description=f"Slipway: trains {model} again",
                    schedule=events.Schedule.expression(training.schedule),
                    targets=[self._target(role, given)],
                )
            for kind in training.triggers:
                given = {"model": model, "by": "EventBridge", "trigger": {"kind": kind, "reason": _found_by(kind)}}
                events.Rule(
                    self,
                    f"{name}{kind.capitalize()}",
                    description=f"Slipway: trains {model} again after a finding on {kind}",
                    event_pattern=events.EventPattern(
                        source=[SOURCE],
                        detail_type=[DETAIL_TYPES[kind]],
                        detail={"project": [self._config.project], "model": [model]},
                    ),
                    targets=[self._target(role, given)],
                )

    def _target(self, role: iam.IRole, given: Mapping[str, object]) -> targets.SfnStateMachine:
        # The rule retries starts that do not arrive, for as long as the finding is news.
        return targets.SfnStateMachine(
            self.machine,
            role=role,
            input=events.RuleTargetInput.from_object(given),
            retry_attempts=10,
            max_event_age=cdk.Duration.hours(1),
        )

    def _note_killed_runs(self, functions: TrainingFunctions) -> None:
        """Have the desk write down that an execution was stopped or timed out, which no step of it can."""
        target = targets.LambdaFunction(
            functions.desk.alias,
            event=events.RuleTargetInput.from_object(
                {"step": "closed", "detail": events.EventField.from_path("$.detail")}
            ),
            retry_attempts=2,
            max_event_age=cdk.Duration.hours(1),
        )
        events.Rule(
            self,
            "Killed",
            description="Slipway: notes which training run was stopped",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"stateMachineArn": [self.machine.state_machine_arn], "status": ["ABORTED", "TIMED_OUT"]},
            ),
            targets=[target],
        )


class TrainingBucket(Construct):
    """The files of runs. Data sets hold captured requests, so they are kept no longer than captures."""

    def __init__(self, scope: Construct, id_: str, *, capture_days: int) -> None:
        super().__init__(scope, id_)
        kept = {DATA: capture_days, DRAFTS: _DRAFT_DAYS, CHECKS: _DRAFT_DAYS, STATES: None}
        rules = {
            folder: {"prefix": f"{folder}/", "expiration": cdk.Duration.days(days)}
            for folder, days in kept.items()
            if days is not None
        }
        self.bucket = private_bucket(self, rules=rules, holds="Who reads data sets")


def _found_by(kind: str) -> str:
    return {"drift": "inputs or outputs have drifted", "accuracy": "the accuracy has fallen"}[kind]
