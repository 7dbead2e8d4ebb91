"""The release controller, which runs each minute, and the monitor of captured models."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, acknowledge_wildcards, exported_name
from infra.constructs.basics.alarm import alarm
from infra.constructs.basics.topic import topic
from infra.constructs.batch.dashboard import batch_row
from infra.constructs.light.function import Function
from infra.constructs.light.http_api import HttpApi
from infra.constructs.monitoring.metrics import live_metric
from infra.constructs.monitoring.monitoring import Monitoring
from infra.constructs.monitoring.release_dashboard import ReleaseDashboard
from infra.constructs.monitoring.widget import PictureWidgets
from infra.stacks.analyst_rights import AnalystRights
from infra.stacks.operator_rights import OperatorRights
from infra.stacks.policies import managed_policy, route_arn
from infra.stacks.shadow import ShadowStack
from slipway.config import Authorization, Config
from slipway.config.deployment.environment import API, CONTROL_TABLE, RELEASE_TOPIC, SHADOW
from slipway.config.deployment.keep_warm import KEEP_WARM, LINK_PATH
from slipway.config.heavy import SLOTS, SlotNames, names_parameter, output_prefix, slot_parameter

_TIMEOUT_SECONDS = 55  # less than the minute between two passes


@dataclass(frozen=True)
class ReleasedSlots:
    """A heavy model's slots: their names, the services and listener rules that the controller changes, and where."""

    names: SlotNames
    service_arns: Sequence[str]
    rule_arns: Sequence[str]
    cluster: ecs.ICluster
    balancer: elb.ApplicationLoadBalancer


class ReleasesStack(cdk.Stack):
    """The controller's stack; it may change only the resources of releases, model by model."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundles: Mapping[str, Path],
        control: dynamodb.ITable,
        bucket: s3.IBucket,
        captures: s3.IBucket,
        history: s3.IBucket,
        api: HttpApi,
        alarm_topic: sns.ITopic,
        slots: Mapping[str, ReleasedSlots],
        heavy_stack: str,
        shadow: ShadowStack,
        description: str,
    ) -> None:
        super().__init__(scope, id_, description=description)
        self._config = config
        self._api = api
        notices = config.monitoring.releases
        self.topic = topic(self, email=notices.email, key_arn=config.monitoring.alarms.key_arn)
        self.function = self._controller(bundles["controller"], control, shadow)
        self._name_slots(slots)
        self._allow_everywhere(control)
        for group in shadow.groups:
            self._allow_reading_lines(group)
        for name, each in slots.items():
            self._allow_slots(name, each)
        if config.api.authorization is Authorization.IAM:
            for name in config.light_models:
                self._allow_load_test(name)
        self._schedule()
        if slots:
            self._allow_reading_slots()
            self._look_after_deploys(heavy_stack)
            self._keep_link_warm()
        alarms: list[cloudwatch.Alarm] = []
        self._pictures: PictureWidgets | None = None
        if config.captured_models:
            buckets = {"models": bucket, "captures": captures, "history": history}
            alarms = self._monitoring(bundles, control, alarm_topic, **buckets)
        self._watch(alarm_topic, alarms)
        self._operator(control, bucket, shadow, slots)
        cdk.CfnOutput(self, "ControllerFunction", value=self.function.function.function_name)
        cdk.CfnOutput(self, "ReleaseTopic", value=self.topic.topic_arn)

    def _monitoring(
        self, bundles: Mapping[str, Path], control: dynamodb.ITable, topic: sns.ITopic, **buckets: s3.IBucket
    ) -> list[cloudwatch.Alarm]:
        """Add the monitor of captured models, and the policies of those who read what it makes; returns its alarms."""
        monitoring = Monitoring(
            self, "Monitoring", config=self._config, bundle=bundles["monitor"], control=control, topic=topic, **buckets
        )
        rights = AnalystRights(self, config=self._config, control=control, **buckets)
        description = f"Slipway, {self._config.project}: may read captures, and what monitoring makes of them"
        policy = managed_policy(self, "Analyst", description=description, statements=rights.statements)
        acknowledge_wildcards(policy, rights.wildcards, "All that monitoring keeps, of this project alone.")
        measured = {name: buckets[name] for name in ("models", "captures")}
        self._pictures = PictureWidgets(
            self, "Pictures", config=self._config, bundle=bundles["widget"], control=control, **measured
        )
        description = f"Slipway, {self._config.project}: may look at the pictures of the dashboard"
        managed_policy(self, "Viewer", description=description, statements=[self._pictures.may_look])
        return monitoring.alarms

    def _operator(
        self, control: dynamodb.ITable, bucket: s3.IBucket, shadow: ShadowStack, slots: Mapping[str, ReleasedSlots]
    ) -> None:
        around = next(iter(slots.values()), None)
        rights = OperatorRights(
            self,
            config=self._config,
            control=control,
            bucket=bucket,
            api=self._api,
            topic=self.topic,
            logs=shadow.groups,
            cluster=around.cluster if around else None,
            balancer=around.balancer if around else None,
        )
        description = f"Slipway, {self._config.project}: may release, register and watch versions"
        policy = managed_policy(self, "Operator", description=description, statements=rights.statements)
        acknowledge_wildcards(policy, rights.wildcards, "What the commands of `slipway` need, of this project alone.")

    def _controller(self, bundle: Path, control: dynamodb.ITable, shadow: ShadowStack) -> Function:
        settings = self._config.light.model_copy(
            update={"timeout_seconds": _TIMEOUT_SECONDS, "snap_start": False, "memory_mb": 1024}
        )
        return Function(
            self,
            "Controller",
            project=self._config.project,
            name="controller",
            bundle=bundle,
            settings=settings,
            monitoring=self._config.monitoring,
            environment={
                CONTROL_TABLE: control.table_name,
                API: self._api.api.api_endpoint,
                RELEASE_TOPIC: self.topic.topic_arn,
                SHADOW: self.to_json_string(asdict(shadow.names)),
            },
        )

    def _name_slots(self, slots: Mapping[str, ReleasedSlots]) -> None:
        """Store the slots' names in parameters, because a function's environment has room for few models."""
        for model, each in slots.items():
            name = names_parameter(self._config.project, model)
            names = self.to_json_string(asdict(each.names))
            ssm.CfnParameter(self, f"{output_prefix(model)}Names", name=name, type="String", value=names)
            self.function.allow(["ssm:GetParameters"], self._parameter_arn(name))

    def _parameter_arn(self, name: str) -> str:
        return self.format_arn(service="ssm", resource="parameter", resource_name=name.removeprefix("/"))

    def _allow_everywhere(self, control: dynamodb.ITable) -> None:
        """Allow access to records, metrics and notifications."""
        function = self.function
        function.allow_on_table(control, "BatchGetItem", "PutItem", "Query", partitions="model#*")
        function.allow_on_table(control, "Query", partitions="reward#*")
        function.allow(["sns:Publish"], self.topic.topic_arn)
        if key := self._config.monitoring.alarms.key_arn:
            function.allow(["kms:Decrypt", "kms:GenerateDataKey"], key)
        function.allow(["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "logs:GetQueryResults"], "*")
        reason = "AWS supports no resource names for reading metrics, alarms, query results, rules and target health."
        acknowledge(function.role, {"AwsSolutions-IAM5[Resource::*]": reason})

    def _allow_reading_lines(self, group: logs.ILogGroup) -> None:
        """Allow subscribing the shadow function to a log group, counting its lines by bucket, and reading failures."""
        filters = ("DescribeSubscriptionFilters", "PutSubscriptionFilter", "DeleteSubscriptionFilter")
        actions = (*filters, "FilterLogEvents", "StartQuery")
        self.function.allow([f"logs:{action}" for action in actions], group.log_group_arn)

    def _allow_reading_slots(self) -> None:
        describe = ["DescribeRules", "DescribeTargetHealth"]
        self.function.allow([f"elasticloadbalancing:{action}" for action in describe], "*")

    def _allow_slots(self, model: str, slots: ReleasedSlots) -> None:
        """Allow changing the rules, services and parameters of one model, and calling its versions."""
        allow = self.function.allow
        for rule in slots.rule_arns:
            allow(["elasticloadbalancing:ModifyRule"], rule)
        for service in slots.service_arns:
            allow(["ecs:DescribeServices", "ecs:UpdateService"], service)
        for slot in SLOTS:
            for value in ("version", "weight"):
                name = slot_parameter(self._config.project, model, slot, value)
                allow(["ssm:GetParameters", "ssm:PutParameter"], self._parameter_arn(name))
        if self._config.api.authorization is Authorization.IAM:
            self._allow_calls(model)

    def _allow_calls(self, model: str) -> None:
        """Allow what a smoke test calls: any version of a model, because versions are not known at deploy time."""
        versions, api_id = f"/v2/models/{model}/versions/*", self._api.api.api_id
        for method, path in (("GET", versions), ("POST", f"{versions}/infer")):
            self.function.allow(["execute-api:Invoke"], route_arn(self, api_id, method, path))
            found = route_arn(self, exported_name(self._api, api_id), method, path)
            reason = "The versions of one model, which are smoke-tested before they get traffic."
            acknowledge_wildcards(self.function.role, [found], reason)

    def _allow_load_test(self, model: str) -> None:
        """Allow asking whether the function `predict` could load a light model's candidate."""
        versions, api_id = f"/v2/models/{model}/versions/*", self._api.api.api_id
        for path in (f"/v1/models/{model}", versions):
            self.function.allow(["execute-api:Invoke"], route_arn(self, api_id, "GET", path))
        found = route_arn(self, exported_name(self._api, api_id), "GET", versions)
        reason = "The versions of one model, of which one that cannot be loaded gets no traffic."
        acknowledge_wildcards(self.function.role, [found], reason)

    def _schedule(self) -> None:
        """Run the controller each minute without retries, because the next pass does what is left."""
        events.Rule(
            self,
            "EachMinute",
            description="Slipway: runs the release controller",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[self._target()],
        )
        # The rule retries calls that do not arrive; this setting covers calls that fail.
        self.function.alias.configure_async_invoke(retry_attempts=0, max_event_age=cdk.Duration.minutes(1))

    def _look_after_deploys(self, heavy_stack: str) -> None:
        """Run the controller when a deploy of the heavy tier has ended, because a failed one moves traffic.

        The event is the stack's and not a listener rule's: a project may have dozens of rules, and as many controllers
        at once would take the account's concurrency from `predict`. CloudFormation sends events at best effort; the
        pass of the next minute does without them.
        """
        stack = self.format_arn(service="cloudformation", resource="stack", resource_name=f"{heavy_stack}/")
        events.Rule(
            self,
            "AfterDeploy",
            description="Slipway: runs the release controller after a deploy of the heavy tier",
            event_pattern=events.EventPattern(
                source=["aws.cloudformation"],
                detail_type=["CloudFormation Stack Status Change"],
                detail={
                    "stack-id": [{"prefix": stack}],
                    "status-details": {"status": ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]},
                },
            ),
            targets=[self._target()],
        )

    def _keep_link_warm(self) -> None:
        """Have the controller call the load balancer each day, because a VPC link is inactive after 60 idle days."""
        link = route_arn(self, self._api.api.api_id, "GET", LINK_PATH)
        self.function.allow(["execute-api:Invoke"], link)
        events.Rule(
            self,
            "EachDay",
            description="Slipway: keeps the VPC link of the heavy tier active",
            schedule=events.Schedule.rate(cdk.Duration.days(1)),
            targets=[self._target(event=events.RuleTargetInput.from_object(dict(KEEP_WARM)))],
        )

    def _target(self, event: events.RuleTargetInput | None = None) -> targets.LambdaFunction:
        return targets.LambdaFunction(
            self.function.alias, event=event, retry_attempts=0, max_event_age=cdk.Duration.minutes(1)
        )

    def _watch(self, alarm_topic: sns.ITopic, others: Sequence[cloudwatch.Alarm]) -> None:
        def watch(id_: str, metric: cloudwatch.IMetric, description: str, **limit: float) -> cloudwatch.Alarm:
            return alarm(self, id_, topic=alarm_topic, metric=metric, description=description, **limit)

        fails = "The controller failed on a release; its log says which one and why"
        failing = watch("Failing", live_metric(self.function, "Errors"), fails, above=0)
        stands = "The controller does not run each minute; only `slipway release rollback` rolls back meanwhile"
        stuck = watch("Stuck", live_metric(self.function, "Invocations"), stands, below=1)
        ReleaseDashboard(
            self,
            "Dashboard",
            project=self._config.project,
            tiers={name: model.tier for name, model in self._config.models.items()},
            controller=self.function,
            timeout_seconds=_TIMEOUT_SECONDS,
            alarms=[failing, stuck, *others],
            monitored=self._config.captured_models,
            period=cdk.Duration.minutes(self._config.monitoring.minutes),
            pictures=self._pictures,
            last=self._batch(),
        )

    def _batch(self) -> list[cloudwatch.IWidget]:
        if not self._config.batch.enabled:
            return []
        return batch_row(self, project=self._config.project, models=self._config.models)
