"""Build the controller of a deployed project from its AWS resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.aws.table import lazy_client
from slipway.config import Authorization, Config
from slipway.config.releases.shadow import ShadowNames
from slipway.errors import NotFoundError
from slipway.models.registry.table import DynamoVersionTable
from slipway.monitoring.captures.parsing import FILTER
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.releases.controller.api_client import ApiClient, keep_link_warm
from slipway.releases.controller.heavy import HeavyTier, LoadFailures, Slots, SmokeTest, none_known
from slipway.releases.controller.light import LightTier, WhyNotLoaded, nothing_known
from slipway.releases.controller.listener import SlotBalancer
from slipway.releases.controller.load_failures import LogLoadFailures
from slipway.releases.controller.marks import MarkingNotifier
from slipway.releases.controller.notifications import SnsNotifier
from slipway.releases.controller.parameters import SlotParameters
from slipway.releases.controller.reconciler import Controller, LogNotifier, NoShadows, Notifier, Shadows, World
from slipway.releases.controller.services import SlotServices
from slipway.releases.controller.smoke_test import ApiLoadTest, ApiSmokeTest, NoSmokeTest
from slipway.releases.evidence.cloudwatch import LAG, CloudWatchEvidence
from slipway.releases.evidence.log_clusters import ClusterReader, LogClusters, NoClusters
from slipway.releases.evidence.log_groups import GroupReader, LogGroups, NoGroups
from slipway.releases.evidence.log_queries import CloudWatchLogQueries
from slipway.releases.record.table import DynamoReleaseStore
from slipway.releases.shadow.log_filters import CloudWatchLogFilters
from slipway.releases.shadow.log_shadows import LogShadows


@dataclass(frozen=True)
class Deployment:
    """The resources of a deployed project.

    ``options`` are passed to the AWS clients. Without a ``topic``, notifications go to the log.
    """

    table: str
    api: str
    region: str
    topic: str | None = None
    shadow: ShadowNames | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def store(self) -> DynamoReleaseStore:
        """The store of the project's releases."""
        return DynamoReleaseStore(self.table, client=lazy_client(**self.options))

    def keep_link_warm(self) -> None:
        """Use the API's VPC link; raises UnavailableError if it does not work."""
        # Signed whatever the API demands of its callers: see the route in infra/constructs/heavy/routes.py.
        keep_link_warm(ApiClient(self.api, self.region, signed=True))

    def heavy_tier(self, config: Config) -> HeavyTier:
        """The slots of the heavy models of this slipway.yaml."""
        return HeavyTier(_HeavyModels(config, self).slots)

    def controller(self, config: Config, heavy: HeavyTier | None = None) -> Controller:
        """Build the controller for this slipway.yaml, by default with a tier of its own.

        Raises:
            UnavailableError: no region is set.
        """
        world = World(
            tiers={
                "light": self._light_tier(config),
                "heavy": heavy or self.heavy_tier(config),
            },
            evidence=self.evidence(config),
            shadows=self._shadows(config.project),
            notifier=self._notifier(),
            clusters=self._clusters(config.project),
            groups=self._groups(),
        )
        return Controller(self.store(), world, lambda: datetime.now(UTC))

    def _notifier(self) -> Notifier:
        notifier: Notifier = SnsNotifier(self.topic, self.options) if self.topic else LogNotifier()
        versions = DynamoVersionTable(self.table, client=lazy_client(**self.options))
        return MarkingNotifier(notifier, versions, lambda: datetime.now(UTC))

    def _light_tier(self, config: Config) -> LightTier:
        def may_have(model: str, version: int) -> bool:
            return model in config.light_models and config.light_models[model].may_have(version)

        deployed = {name: model.versions for name, model in config.light_models.items()}
        return LightTier(deployed, why_not_loaded=self._load_test(config), may_have=may_have)

    def _load_test(self, config: Config) -> WhyNotLoaded:
        authorization = config.api.authorization
        if authorization is Authorization.JWT:
            return nothing_known
        return ApiLoadTest(self.api, self.region, signed=authorization is Authorization.IAM)

    def load_failures(self, model: str) -> LoadFailures:
        """The reader of why tasks of a heavy model refuse a version."""
        group = self.shadow.logs.get(model) if self.shadow else None
        return LogLoadFailures(group, self.options) if group else none_known

    def evidence(self, config: Config) -> CloudWatchEvidence:
        """The reader of the evidence; raises UnavailableError if no region is set."""
        span = timedelta(minutes=config.monitoring.reward_minutes)
        rewards = DynamoFeedbackStore(self.table, span=span, client=lazy_client(**self.options))
        lag = config.monitoring.settle or LAG
        return CloudWatchEvidence(config.project, rewards, self.options, lag=lag, span=span)

    def _clusters(self, project: str) -> ClusterReader:
        if self.shadow is None:
            return NoClusters()
        # The log groups with the captures are those with the metric lines.
        return LogClusters(project, self.shadow.logs, CloudWatchLogQueries(self.options))

    def _groups(self) -> GroupReader:
        if self.shadow is None:
            return NoGroups()
        return LogGroups(self.shadow.logs, CloudWatchLogQueries(self.options))

    def _shadows(self, project: str) -> Shadows:
        if self.shadow is None:
            return NoShadows()
        return LogShadows(self.shadow, CloudWatchLogFilters(f"{project}-shadow", FILTER, self.options), self.store())


class _HeavyModels:
    """Builds the slots of each heavy model on first use and keeps them."""

    def __init__(self, config: Config, deployment: Deployment) -> None:
        self._config = config
        self._deployment = deployment
        self._made: dict[str, Slots] = {}

    def slots(self, model: str) -> Slots:
        """The slots of a model; raises NotFoundError if it is not deployed."""
        if model not in self._made:
            self._made[model] = self._make(model)
        return self._made[model]

    def _make(self, model: str) -> Slots:
        options = self._deployment.options
        if model not in self._config.heavy_models:
            raise NotFoundError("heavy model", model, self._config.heavy_models)
        parameters = SlotParameters(self._config.project, options)
        names = parameters.names(model)
        return Slots(
            SlotBalancer(names.rule, names.groups, options),
            SlotServices(names.cluster, names.services, options),
            parameters,
            self._smoke_test(),
            self._config.models[model].heavy.min_tasks,
            self._config.models[model].heavy.start_seconds,
            self._deployment.load_failures(model),
        )

    def _smoke_test(self) -> SmokeTest:
        authorization = self._config.api.authorization
        if authorization is Authorization.JWT:
            return NoSmokeTest()
        signed = authorization is Authorization.IAM
        return ApiSmokeTest(self._deployment.api, self._deployment.region, signed=signed)
