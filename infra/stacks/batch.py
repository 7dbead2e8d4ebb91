"""Batch scoring: the state machine of jobs, the functions and tasks of its steps, and the bucket of jobs."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.basics.alarm import alarm
from infra.constructs.basics.trust import service_of_account
from infra.constructs.batch.bucket import BatchBucket
from infra.constructs.batch.machine import BatchMachine, machine_name
from infra.constructs.batch.rights import StepRights
from infra.constructs.batch.task import BatchTask, HeavyTier
from infra.constructs.light.function import Function
from infra.stacks.batch_rights import BatchOperatorRights
from infra.stacks.batch_stores import BatchStores
from infra.stacks.policies import managed_policy
from infra.stacks.tables import Tables
from slipway.batch.extras import AskedExtras
from slipway.config import Config
from slipway.config.batch import BatchSchedule
from slipway.config.deployment.environment import BATCH_BUCKET, CONTROL_TABLE, MODEL_BUCKET
from slipway.config.heavy import output_prefix

_LONGEST_CALL_SECONDS = 900
_DISK_MB = 2048
# Planning reads every byte of an input once, and scoring is one thread: both want one whole processor, and no more.
_SETTINGS = {"memory_mb": 1769, "timeout_seconds": _LONGEST_CALL_SECONDS, "snap_start": False}


class BatchStack(cdk.Stack):
    """The stack of batch jobs; ``heavy`` says what tasks of each heavy model run in."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundle: Path,
        tables: Tables,
        packages: s3.IBucket,
        history: s3.IBucket,
        heavy: Mapping[str, HeavyTier],
        topic: sns.ITopic,
        description: str,
    ) -> None:
        super().__init__(scope, id_, description=description)
        self._config = config
        self._control, self._packages = tables.control, packages
        self._stores = BatchStores(config, tables, history)
        self._bucket = BatchBucket(self, "Jobs", retention_days=config.batch.retention_days).bucket
        self._environment = {
            BATCH_BUCKET: self._bucket.bucket_name,
            CONTROL_TABLE: tables.control.table_name,
            MODEL_BUCKET: packages.bucket_name,
        }
        plan, score = self._plan(bundle), self._score(bundle)
        built = BatchMachine(
            self,
            "Batch",
            name=machine_name(config.project),
            settings=config.batch,
            bucket=self._bucket,
            plan=plan.alias,
            score=score.alias,
            heavy={model: self._task(model, tier) for model, tier in heavy.items()},
            traced=config.monitoring.tracing,
        )
        self.machine = built.machine
        self._acknowledge()
        if config.batch.schedules:
            starter = iam.Role(self, "Starter", assumed_by=service_of_account(self, "events.amazonaws.com"))
            for name, schedule in config.batch.schedules.items():
                self._schedule(name, schedule, starter)
        if config.monitoring.alarms.findings:
            self._watch(topic)
        rights = BatchOperatorRights(self, config=config, machine=self.machine, bucket=self._bucket)
        allowed = f"Slipway, {config.project}: may run batch jobs"
        policy = managed_policy(self, "BatchOperator", description=allowed, statements=rights.statements)
        acknowledge_wildcards(policy, rights.wildcards, "The jobs of this project alone.")
        cdk.CfnOutput(self, "BatchStateMachine", value=self.machine.state_machine_arn)
        cdk.CfnOutput(self, "BatchBucket", value=self._bucket.bucket_name)

    def _plan(self, bundle: Path) -> Function:
        """The function of `plan` and `finish`, which removes what is of no shard; it reads no features."""
        return self._function("Plan", bundle, self._environment, deletes=True)

    def _score(self, bundle: Path) -> Function:
        environment = {**self._environment, **self._stores.variables(self._light)}
        function = self._function("Score", bundle, environment, deletes=False)
        self._stores.allow(function.role, self._light)
        return function

    def _function(self, id_: str, bundle: Path, environment: Mapping[str, str], *, deletes: bool) -> Function:
        config = self._config
        function = Function(
            self,
            id_,
            project=config.project,
            name="batch",
            bundle=bundle,
            settings=config.light.model_copy(update=_SETTINGS),
            monitoring=config.monitoring,
            environment=environment,
            storage_mb=_DISK_MB,
        )
        rights = StepRights(function.role, settings=config.batch, bucket=self._bucket)
        rights.files(deletes=deletes)
        rights.registry(sorted(config.models), control=self._control, packages=self._packages)
        return function

    def _task(self, model: str, tier: HeavyTier) -> BatchTask:
        task = BatchTask(
            self,
            f"{output_prefix(model)}Batch",
            project=self._config.project,
            model=model,
            tier=tier,
            monitoring=self._config.monitoring,
            environment={**self._environment, **self._stores.variables([model])},
        )
        rights = StepRights(task.role, settings=self._config.batch, bucket=self._bucket)
        rights.files(deletes=False)
        rights.registry([model], control=self._control, packages=self._packages)
        self._stores.allow(task.role, [model])
        return task

    @property
    def _light(self) -> list[str]:
        """The models that the function scores."""
        return sorted(self._config.models.keys() - self._config.heavy_models.keys())

    def _acknowledge(self) -> None:
        logged = "Each execution keeps its own history for 90 days; a log would cost more and say the same."
        traced = "Tracing is what `monitoring.tracing` says."
        acknowledge(self.machine, {"AwsSolutions-SF1": logged, "AwsSolutions-SF2": traced})

    def _schedule(self, name: str, schedule: BatchSchedule, starter: iam.Role) -> None:
        """Start a job by the clock; one that does not start within the hour is left out."""
        run = {
            "model": schedule.model,
            "source": schedule.input,
            "output": schedule.output,
            "version": schedule.version,
            "most_rejected": schedule.max_rejected,
            **_extras(schedule),
        }
        target = targets.SfnStateMachine(
            self.machine,
            role=starter,
            input=events.RuleTargetInput.from_object(run),
            max_event_age=cdk.Duration.hours(1),
            retry_attempts=3,
        )
        events.Rule(
            self,
            f"{output_prefix(name)}Schedule",
            description=f"Slipway: scores {schedule.model} as batch.schedules.{name} says",
            schedule=events.Schedule.expression(f"cron({schedule.cron})"),
            targets=[target],
        )

    def _watch(self, topic: sns.ITopic) -> None:
        failing = "A batch job failed; `slipway batch list` shows which one, and `slipway batch status` why"
        metric = self.machine.metric_failed(period=cdk.Duration.minutes(5), statistic=cloudwatch.Stats.SUM)
        alarm(self, "Failing", topic=topic, metric=metric, description=failing, above=0, once=True)


def _extras(schedule: BatchSchedule) -> dict[str, object]:
    asked = AskedExtras.of(schedule).model_dump(mode="json", exclude_defaults=True)
    return {"extras": asked} if asked else {}
