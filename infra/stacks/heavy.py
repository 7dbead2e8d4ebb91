"""The heavy tier: an internal load balancer, and the two slots of each heavy model behind it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.bundling.image import EMBEDDED, image_asset
from infra.bundling.models import DeployedModel
from infra.constructs.batch.task import HeavyTier
from infra.constructs.heavy.balancer import Balancer
from infra.constructs.heavy.heavy_model import HeavyModel, Image
from infra.constructs.heavy.network import Network
from infra.constructs.heavy.routes import HeavyRoutes
from infra.constructs.heavy.slot import ClusterContext
from infra.constructs.heavy.slot_rules import SlotRules, first_priorities
from infra.constructs.light.captures import Captures
from infra.constructs.light.http_api import HttpApi
from infra.constructs.monitoring.heavy_alarms import HeavyAlarms
from infra.constructs.monitoring.heavy_dashboard import HeavyDashboard
from infra.constructs.monitoring.heavy_metrics import HeavyMetrics
from infra.stacks.access import allow_signing, allow_tables, table_variables
from infra.stacks.releases import ReleasedSlots
from infra.stacks.routes import heavy_routes
from infra.stacks.tables import Tables
from slipway.config import Config
from slipway.config.deployment.environment import BALANCER, ID_KEYS, MODEL_BUCKET
from slipway.config.deployment.keys import id_keys_parameter
from slipway.config.heavy import HeavyConfig, SlotNames, output_prefix


class HeavyStack(cdk.Stack):
    """The stack of the heavy models, if there are any; it adds their routes to the serving stack's API.

    ``context`` is the image's build context; None if no image is needed.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        models: Sequence[DeployedModel],
        context: Path | None,
        tables: Tables,
        bucket: s3.IBucket,
        api: HttpApi,
        topic: sns.ITopic,
        captures: s3.IBucket,
        bundles: Mapping[str, Path],
        break_glass: bool,
        description: str,
    ) -> None:
        super().__init__(scope, id_, description=description)
        self._config = config
        self._break_glass = break_glass
        self._context = context
        self._tables = tables
        self._bucket = bucket
        network = Network(self, "Network", settings=config.network, tracing=config.monitoring.tracing)
        cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=config.batch.spot or None,
        )
        self._around = ClusterContext(network, cluster, Balancer(self, "Balancer", network=network))
        self.released: dict[str, ReleasedSlots] = {}
        priorities = first_priorities(model.name for model in models)
        built = [self._model(deployed) for deployed in models]
        self.logs = {model.name: model.logs for model in built}
        # Images of jobs are built only where there are jobs.
        self.tiers = {model.name: self._tier(model) for model in built} if config.batch.enabled else {}
        for model in built:
            self._rules(model, priorities[model.name])
            self._watch(model, topic)
        captured = [model for model in built if model.name in config.captured_models]
        if captured:
            self._capture(captured, bundles["capture"], captures, topic)
        routes = [route for model in models for route in heavy_routes(model.name)]
        HeavyRoutes(self, "Routes", api=api, balancer=self._around.balancer, routes=routes)
        self._export_for_jobs(network, cluster)
        self._output("ClusterName", cluster.cluster_name)
        self._output("LoadBalancerDns", self._around.balancer.balancer.load_balancer_dns_name)

    def _model(self, deployed: DeployedModel) -> HeavyModel:
        tables = self._tables
        settings = self._config.models[deployed.name].heavy
        model = HeavyModel(
            self,
            f"{output_prefix(deployed.name)}Model",
            project=self._config.project,
            name=deployed.name,
            settings=settings,
            surroundings=self._around,
            image=self._image(deployed.name, settings),
            environment={
                **table_variables(tables, [deployed]),
                ID_KEYS: id_keys_parameter(self._config.project),
                MODEL_BUCKET: self._bucket.bucket_name,
                BALANCER: f"http://{self._around.balancer.balancer.load_balancer_dns_name}",
            },
            monitoring=self._config.monitoring,
        )
        model.allow_registry(tables.control, self._bucket)
        allow_tables(model, tables, [deployed])
        allow_signing(model.roles.task, self._config.project)
        return model

    def _export_for_jobs(self, network: Network, cluster: ecs.Cluster) -> None:
        """Always export what tasks of jobs run in: turning jobs off must not take an export that is still used."""
        subnets = network.vpc.select_subnets(subnet_type=network.subnets.subnet_type).subnet_ids
        for value in (cluster.cluster_arn, cluster.cluster_name, network.tasks.security_group_id, *subnets):
            self.export_value(value)

    def _tier(self, model: HeavyModel) -> HeavyTier:
        """What tasks of the model run in that are not of its slots."""
        provider = model.capacity.provider.capacity_provider_name if model.capacity else None
        image, around = self._image(model.name, model.settings, jobs=True), self._around
        return HeavyTier(model.settings, image.container, image.repository, around.cluster, around.network, provider)

    def _image(self, name: str, settings: HeavyConfig, *, jobs: bool = False) -> Image:
        if self._context is None:
            return Image(ecs.ContainerImage.from_registry(EMBEDDED))
        id_ = f"{output_prefix(name)}{'Jobs' if jobs else ''}Image"
        asset = image_asset(self, id_, context=self._context, settings=settings, jobs=jobs)
        return Image(ecs.ContainerImage.from_docker_image_asset(asset), asset.repository)

    def _rules(self, model: HeavyModel, priority: int) -> None:
        rules = SlotRules(
            self,
            f"{output_prefix(model.name)}Rules",
            project=self._config.project,
            model=model,
            listener=self._around.balancer.listener,
            priority=priority,
        )
        slots = model.slots.items()
        self.released[model.name] = ReleasedSlots(
            names=SlotNames(
                cluster=self._around.cluster.cluster_name,
                rule=rules.weighted.listener_rule_arn,
                services={slot: deployed.service.service_name for slot, deployed in slots},
                groups={slot: deployed.target_group.target_group_arn for slot, deployed in slots},
            ),
            service_arns=[deployed.service.service_arn for _, deployed in slots],
            rule_arns=[each.listener_rule_arn for each in (rules.weighted, *rules.own.values())],
            cluster=self._around.cluster,
            balancer=self._around.balancer.balancer,
        )
        name = output_prefix(model.name)
        self._output(f"{name}Rule", rules.weighted.listener_rule_arn)
        self._output(f"{name}Logs", model.logs.log_group_name)
        for slot, deployed in model.slots.items():
            deployed.scale()
            self._output(f"{name}{slot.capitalize()}Service", deployed.service.service_name)
            self._output(f"{name}{slot.capitalize()}Targets", deployed.target_group.target_group_arn)

    def _watch(self, model: HeavyModel, topic: sns.ITopic) -> None:
        """Add a dashboard and alarms, some of which roll back a deploy of new code to a slot."""
        of = HeavyMetrics(self._config.project, model, self._around.cluster, self._around.balancer.balancer)
        settings, name = self._config.monitoring.alarms, output_prefix(model.name)
        alarms = HeavyAlarms(self, f"{name}Alarms", settings=settings, topic=topic, model=model.name, of=of)
        for slot, deployed in model.slots.items():
            deployed.roll_back_on(alarms.rollback[slot], ignore=self._break_glass)
        gpus = model.settings.compute == "gpu"
        HeavyDashboard(self, f"{name}Dashboard", of=of, settings=settings, gpus=gpus, alarms=alarms.all)

    def _capture(self, models: Sequence[HeavyModel], bundle: Path, bucket: s3.IBucket, topic: sns.ITopic) -> None:
        control = self._tables.control
        function = Captures(
            self, "Captures", config=self._config, bundle=bundle, bucket=bucket, control=control, topic=topic
        )
        for model in models:
            function.subscribe(output_prefix(model.name), model.logs)

    def _output(self, name: str, value: str) -> None:
        cdk.CfnOutput(self, name, value=value)
