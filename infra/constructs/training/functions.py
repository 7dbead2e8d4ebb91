"""The functions of the state machine `retrain`: one code, and for each group of steps the rights that it needs.

What serving reads is written by two of them: `Register` stores versions, and `Release` starts releases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge_wildcards, exported_name
from infra.constructs.basics.table import of_partitions
from infra.constructs.light.function import Function
from infra.constructs.training.machine import machine_name
from slipway.config import Config
from slipway.config.deployment.environment import (
    CAPTURE_BUCKET,
    CONTROL_TABLE,
    HISTORY_BUCKET,
    MODEL_BUCKET,
    RELEASE_TOPIC,
    TRAINING_BUCKET,
    TRAINING_MACHINE,
)
from slipway.config.heavy import output_prefix
from slipway.features.history.files import group_folder
from slipway.models.registry.versions import model_prefix
from slipway.monitoring.captures.parsing import FOLDER
from slipway.monitoring.captures.reservoir import FOLDER as RESERVOIR
from slipway.training.account.workspace import CHECKS, DATA, DRAFTS, STATES

_SMALL = {"memory_mb": 512, "timeout_seconds": 60, "snap_start": False}
# One whole processor, and room for a data set of a few million rows.
_LARGE = {"memory_mb": 3008, "timeout_seconds": 900, "snap_start": False}
_STORAGE_MB = 4096
_WHY = "Models, runs and versions determine the names."


@dataclass(frozen=True)
class Stores:
    """The table and the buckets that the steps read and write."""

    control: dynamodb.ITable
    models: s3.IBucket
    captures: s3.IBucket
    history: s3.IBucket
    training: s3.IBucket


class Allowed(Protocol):
    """What can be given rights: a function, or a task."""

    @property
    def role(self) -> Any: ...

    def allow(
        self, actions: list[str], resource: str, *, conditions: Mapping[str, Mapping[str, list[str]]] | None = None
    ) -> None: ...


class TrainingFunctions(Construct):
    """The functions by group of steps; ``trained`` are the models with `training`."""

    def __init__(
        self, scope: Construct, id_: str, *, config: Config, bundle: Path, stores: Stores, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, id_)
        self._config, self._bundle, self._stores = config, bundle, stores
        self.trained = sorted(config.trained_models)
        self.desk = self._desk(topic)
        self.assemble = self._assemble()
        self.check = self._check()
        self.register = self._register()
        self.release = self._release()
        fitting = [name for name in self.trained if config.trained_models[name].compute == "lambda"]
        self.train = {name: self._train(name) for name in fitting}

    def _desk(self, topic: sns.ITopic) -> Function:
        function = self._function(
            "Desk", _SMALL, {RELEASE_TOPIC: topic.topic_arn, TRAINING_MACHINE: self._machine_arn()}
        )
        self._allow_runs(function)
        function.allow_on_table(self._stores.control, "BatchGetItem", partitions="model#*")
        allow_files(function, self._stores.training, read=[DRAFTS])
        function.allow(["sns:Publish"], topic.topic_arn)
        if key := self._config.monitoring.alarms.key_arn:
            function.allow(["kms:Decrypt", "kms:GenerateDataKey"], key)
        executions = self._stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine_name(self._config.project)}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        function.allow(["states:DescribeExecution"], executions)
        acknowledge_wildcards(function.role, [executions], "The executions of the state machine, which come later.")
        return function

    def _assemble(self) -> Function:
        history = {HISTORY_BUCKET: self._stores.history.bucket_name} if self._joins_history() else {}
        function = self._function("Assemble", _LARGE, {CAPTURE_BUCKET: self._stores.captures.bucket_name, **history})
        self._allow_runs(function)
        function.allow_on_table(self._stores.control, "Query", partitions="labelled#*")
        for model in self.trained:
            allow_versions(function, self._stores, model)
        allow_files(function, self._stores.captures, read=[FOLDER, RESERVOIR])
        if history:
            folders = [group_folder(group).rstrip("/") for group in sorted(self._config.recorded_groups)]
            allow_files(function, self._stores.history, read=folders)
        allow_files(function, self._stores.training, read=[DATA], write=[DATA])
        return function

    def _check(self) -> Function:
        function = self._function("Check", _LARGE, {})
        self._allow_runs(function)
        for model in self.trained:
            allow_versions(function, self._stores, model)
        allow_files(function, self._stores.training, read=[DATA, DRAFTS], write=[CHECKS])
        return function

    def _register(self) -> Function:
        """Register may write where serving reads: the versions of trained models, and nothing of other models."""
        function = self._function("Register", _LARGE, {})
        self._allow_runs(function)
        for model in self.trained:
            allow_versions(function, self._stores, model)
            function.allow_on_table(self._stores.control, "PutItem", partitions=f"model#{model}")
            objects = f"{model_prefix(model)}*"
            bucket = self._stores.models
            function.allow(["s3:DeleteObject", "s3:PutObject"], bucket.arn_for_objects(objects))
        function.allow(["s3:ListBucket"], self._stores.models.bucket_arn)
        allow_files(function, self._stores.training, read=[DATA, DRAFTS, CHECKS], write=[STATES])
        return function

    def _release(self) -> Function:
        function = self._function("Release", _LARGE, {}, files=False)
        self._allow_runs(function)
        for model in self.trained:
            allow_versions(function, self._stores, model)
            function.allow_on_table(self._stores.control, "PutItem", partitions=f"model#{model}")
        return function

    def _train(self, model: str) -> Function:
        training = self._config.trained_models[model]
        size = {
            "memory_mb": training.size.memory_mb,
            "timeout_seconds": training.timeout_minutes * 60,
            "snap_start": False,
        }
        function = self._function(f"Train{output_prefix(model)}", size, {})
        allow_training(function, self._stores, model)
        return function

    def _function(
        self, id_: str, size: Mapping[str, Any], environment: Mapping[str, str], *, files: bool = True
    ) -> Function:
        large = size is not _SMALL
        models = {MODEL_BUCKET: self._stores.models.bucket_name} if large else {}
        # The limits of slipway.yaml are those of functions behind the API, which these are not.
        settings = self._config.light.model_copy(update=dict(size))
        return Function(
            self,
            id_,
            project=self._config.project,
            name="training",
            bundle=self._bundle,
            settings=settings,
            monitoring=self._config.monitoring,
            environment={
                CONTROL_TABLE: self._stores.control.table_name,
                **({TRAINING_BUCKET: self._stores.training.bucket_name} if files else {}),
                **models,
                **environment,
            },
            storage_mb=_STORAGE_MB if large else None,
        )

    def _allow_runs(self, function: Function) -> None:
        """The records of runs, which every step but training itself keeps; nothing that serving reads."""
        actions = ("BatchGetItem", "BatchWriteItem", "PutItem", "Query")
        partitions = [f"training#{model}" for model in self.trained]
        function.allow_on_table(self._stores.control, *actions, partitions=partitions)

    def _joins_history(self) -> bool:
        return any(each.features == "history" for each in self._config.trained_models.values())

    def _machine_arn(self) -> str:
        name = machine_name(self._config.project)
        return self._stack.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _stack(self) -> cdk.Stack:
        return cdk.Stack.of(self)


def allow_training(to: Allowed, stores: Stores, model: str) -> None:
    """Allow what training reads and writes: data, versions and state of one model, and its drafts."""
    allow_versions(to, stores, model)
    read = [f"{folder}/{model}" for folder in (DATA, DRAFTS, STATES)]
    allow_files(to, stores.training, read=read, write=[f"{DRAFTS}/{model}"])


def allow_versions(to: Allowed, stores: Stores, model: str) -> None:
    """Allow reading the versions of one model: records and packages."""
    partitions = of_partitions(f"model#{model}")
    to.allow(["dynamodb:BatchGetItem", "dynamodb:Query"], stores.control.table_arn, conditions=partitions)
    objects = f"{model_prefix(model)}*"
    to.allow(["s3:GetObject"], stores.models.arn_for_objects(objects))
    acknowledge_wildcards(to.role, [f"{exported_name(stores.models, stores.models.bucket_arn)}/{objects}"], _WHY)


def allow_files(to: Allowed, bucket: s3.IBucket, *, read: Sequence[str] = (), write: Sequence[str] = ()) -> None:
    """Allow reading and writing the objects of folders of a bucket."""
    # Without this right, S3 answers that an object which is not there is forbidden.
    to.allow(["s3:ListBucket"], bucket.bucket_arn)
    for actions, folders in ((["s3:GetObject"], read), (["s3:PutObject"], write)):
        for folder in folders:
            to.allow(actions, bucket.arn_for_objects(f"{folder}/*"))
            acknowledge_wildcards(to.role, [_found(to, bucket, folder)], _WHY)


def _found(to: Allowed, bucket: s3.IBucket, folder: str) -> str:
    same = cdk.Stack.of(bucket) == cdk.Stack.of(to.role)
    return bucket.arn_for_objects(f"{folder}/*") if same else f"{exported_name(bucket, bucket.bucket_arn)}/{folder}/*"
