"""The light tier: an HTTP API, the functions behind it, and their monitoring."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bundling.models import DeployedModel
from infra.constructs.light.captures import Captures
from infra.constructs.light.deployment import Deployments
from infra.constructs.light.function import Function
from infra.constructs.light.history import History
from infra.constructs.light.http_api import HttpApi
from infra.constructs.monitoring.alarms import Alarms
from infra.constructs.monitoring.dashboard import Dashboard
from infra.constructs.monitoring.metrics import ServiceMetrics
from infra.stacks.access import (
    allow_fetching,
    allow_fetching_later,
    allow_signing,
    allow_tables,
    allow_verifying,
    table_variables,
)
from infra.stacks.policies import CALLER, FEATURE_WRITER, calling_policy
from infra.stacks.routes import ROUTES
from infra.stacks.tables import Tables
from slipway.config import Authorization, Config, LightTierConfig
from slipway.config.deployment.environment import CONTROL_TABLE, FEATURES_TABLE, ID_KEYS, MODEL_BUCKET
from slipway.config.deployment.keys import id_keys_parameter


class ServingStack(cdk.Stack):
    """Three functions behind one API, each with only the permissions that its routes need."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        models: Sequence[DeployedModel],
        bundles: Mapping[str, Path],
        tables: Tables,
        bucket: s3.IBucket,
        captures: s3.IBucket,
        history: s3.IBucket,
        break_glass: bool,
        description: str,
    ) -> None:
        super().__init__(scope, id_, description=description)
        self._config = config
        self._bundles = bundles
        self._tables = tables
        self._bucket = bucket
        predict = self._predict(models)
        functions = [predict, self._features(), self._feedback()]
        api = self._api(functions)
        service_metrics = ServiceMetrics(config.project)
        alarms = Alarms(
            self,
            "Alarms",
            settings=config.monitoring.alarms,
            service_metrics=service_metrics,
            functions=functions,
            shifts=config.light.deployment != "all-at-once",
        )
        Dashboard(
            self,
            "Dashboard",
            config=config,
            models=models,
            service_metrics=service_metrics,
            functions=functions,
            api_id=api.api.api_id,
            alarms=alarms.all,
        )
        deployments = Deployments(self, "Deployments", strategy=config.light.deployment, break_glass=break_glass)
        for function in functions:
            deployments.add(function, alarms.rollback[function.name])
        self.api = api
        self.predict = functions[0]
        self.topic = alarms.topic
        if config.captured_models & config.light_models.keys():
            self._capture(captures).subscribe("Predict", predict.logs)
        if config.recorded_groups:
            self._record(history)
        self._outputs(api, functions, alarms)
        if config.api.authorization is Authorization.IAM:
            self._policies(api)

    def _predict(self, models: Sequence[DeployedModel]) -> Function:
        fetching = [model for model in models if model.fetched]
        retrained = [model for model in models if model.name in self._config.trained_models]
        environment = {**table_variables(self._tables, models), ID_KEYS: id_keys_parameter(self._config.project)}
        if fetching or retrained:
            environment[MODEL_BUCKET] = self._bucket.bucket_name
        light = self._config.light
        function = self._function("predict", environment, light, reserved_concurrency=light.reserved_concurrency)
        if light.snap_start:
            function.keep_warm()
        # The releases, and the records of versions from the registry.
        function.allow_on_table(self._tables.control, "BatchGetItem", partitions="model#*")
        allow_tables(function, self._tables, models)
        allow_signing(function.role, self._config.project)
        for model in fetching:
            allow_fetching(function, self._tables, self._bucket, model)
            listed = ", ".join(map(str, model.fetched))
            cdk.Annotations.of(function).add_info(
                f"{model.name}: version {listed} of slipway.yaml is not here, so the function fetches it from the "
                f"registry when it starts. `slipway model list {model.name} --registry` shows whether it is there."
            )
        for model in retrained:
            allow_fetching_later(function, self._tables, self._bucket, model.name)
        return function

    def _features(self) -> Function:
        function = self._store_function("features", {FEATURES_TABLE: self._tables.features.table_name})
        function.allow_on_table(self._tables.features, "BatchGetItem", "PutItem")
        return function

    def _feedback(self) -> Function:
        keys = id_keys_parameter(self._config.project)
        function = self._store_function("feedback", {CONTROL_TABLE: self._tables.control.table_name, ID_KEYS: keys})
        partitions = ("feedback#*", "reward#*", "impression#*", "labelled#*")  # one transaction may write to all
        function.allow_on_table(self._tables.control, "BatchGetItem", "PutItem", "UpdateItem", partitions=partitions)
        # The registry's records say which labels the versions have that are not in the bundle.
        function.allow_on_table(self._tables.control, "BatchGetItem", partitions="model#*")
        allow_verifying(function.role, self._config.project)
        return function

    def _capture(self, bucket: s3.IBucket) -> Captures:
        return Captures(
            self,
            "Captures",
            config=self._config,
            bundle=self._bundles["capture"],
            bucket=bucket,
            control=self._tables.control,
            topic=self.topic,
        )

    def _record(self, bucket: s3.IBucket) -> None:
        History(
            self,
            "History",
            config=self._config,
            bundle=self._bundles["history"],
            table=self._tables.features,
            bucket=bucket,
            topic=self.topic,
        )

    def _store_function(self, name: str, environment: Mapping[str, str]) -> Function:
        """A function without models, which starts soon enough without a snapshot that is paid for by the hour."""
        return self._function(name, environment, self._config.light.model_copy(update={"snap_start": False}))

    def _function(
        self,
        name: str,
        environment: Mapping[str, str],
        settings: LightTierConfig,
        *,
        reserved_concurrency: int | None = None,
    ) -> Function:
        return Function(
            self,
            name.capitalize(),
            project=self._config.project,
            name=name,
            bundle=self._bundles[name],
            settings=settings,
            monitoring=self._config.monitoring,
            environment=environment,
            reserved_concurrency=reserved_concurrency,
        )

    def _api(self, functions: Sequence[Function]) -> HttpApi:
        retention = self._config.monitoring.log_retention_days
        api = HttpApi(self, "Http", settings=self._config.api, log_retention_days=retention)
        for function in functions:
            api.add_routes(function, ROUTES[function.name])
        return api

    def _policies(self, api: HttpApi) -> None:
        """The policies of callers, who need none where they have tokens."""
        project = self._config.project
        for name, groups, does in (
            ("Caller", CALLER, "predict, see the models and send feedback"),
            ("FeatureWriter", FEATURE_WRITER, "read and write features"),
        ):
            description = f"Slipway, {project}: may {does}"
            calling_policy(self, name, api_id=api.api.api_id, groups=groups, description=description)

    def _outputs(self, api: HttpApi, functions: Sequence[Function], alarms: Alarms) -> None:
        cdk.CfnOutput(self, "ApiUrl", value=api.api.api_endpoint)
        cdk.CfnOutput(self, "ApiId", value=api.api.api_id)
        cdk.CfnOutput(self, "AlarmTopic", value=alarms.topic.topic_arn)
        cdk.CfnOutput(self, "PredictLogs", value=self.predict.logs.log_group_name)
        for function in functions:
            cdk.CfnOutput(self, f"{function.name.capitalize()}Function", value=function.function.function_name)
