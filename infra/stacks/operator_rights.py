"""The rights that `slipway release`, `status`, `id-keys` and `model` need in an account."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.constructs.basics.acknowledge import exported_name
from infra.constructs.basics.table import of_partitions
from infra.constructs.light.http_api import HttpApi
from infra.stacks.policies import OPERATOR, may_call, route_arns, stacks_arn
from slipway.config import Authorization, Config
from slipway.config.deployment.keys import id_keys_parameter

_MODELS = "models/*"


class OperatorRights:
    """The statements of the operator's policy, and their resources that have wildcards.

    A command runs a pass of the controller itself, so it needs the controller's rights. The resources of heavy models
    are named by their cluster and load balancer: one by one, they could exceed the 6,144 characters of a policy.
    """

    def __init__(
        self,
        stack: cdk.Stack,
        *,
        config: Config,
        control: dynamodb.ITable,
        bucket: s3.IBucket,
        api: HttpApi,
        topic: sns.ITopic,
        logs: Sequence[logs.ILogGroup],
        cluster: ecs.ICluster | None,
        balancer: elb.ApplicationLoadBalancer | None,
    ) -> None:
        self._stack = stack
        self._project = config.project
        self.statements: list[iam.PolicyStatement] = []
        self.wildcards: list[str] = ["*"]
        self._allow(["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "logs:GetQueryResults"], "*")
        stacks = stacks_arn(stack, config.project)
        self._allow(["cloudformation:DescribeStacks"], stacks)
        self.wildcards.append(stacks)
        self._records(control)
        self._packages(bucket)
        filters = ("DescribeSubscriptionFilters", "PutSubscriptionFilter", "DeleteSubscriptionFilter")
        on_groups = (*filters, "FilterLogEvents", "StartQuery")
        self._allow([f"logs:{action}" for action in on_groups], *(group.log_group_arn for group in logs))
        self._notices(topic, config.monitoring.alarms.key_arn)
        self._allow(["ssm:GetParameter", "ssm:PutParameter"], self._parameter(id_keys_parameter(config.project)))
        if config.api.authorization is Authorization.IAM:
            self._calls(api)
        if cluster is not None and balancer is not None:
            self._slots(cluster, balancer)

    def _allow(
        self, actions: list[str], *resources: str, conditions: Mapping[str, Mapping[str, list[str]]] | None = None
    ) -> None:
        statement = iam.PolicyStatement(actions=actions, resources=list(resources), conditions=conditions)
        self.statements.append(statement)

    def _records(self, control: dynamodb.ITable) -> None:
        """Releases and versions, and the counters of rewards that a pass judges by."""
        model, reward = (of_partitions(partitions) for partitions in ("model#*", "reward#*"))
        writing = [f"dynamodb:{action}" for action in ("BatchGetItem", "PutItem", "Query")]
        self._allow(writing, control.table_arn, conditions=model)
        self._allow(["dynamodb:Query"], control.table_arn, conditions=reward)

    def _packages(self, bucket: s3.IBucket) -> None:
        self._allow(["s3:ListBucket"], bucket.bucket_arn)
        actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        self._allow(actions, bucket.arn_for_objects(_MODELS))
        self.wildcards.append(f"{exported_name(bucket, bucket.bucket_arn)}/{_MODELS}")

    def _notices(self, topic: sns.ITopic, key_arn: str | None) -> None:
        self._allow(["sns:Publish"], topic.topic_arn)
        if key_arn:
            self._allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn)

    def _calls(self, api: HttpApi) -> None:
        id_ = api.api.api_id
        self.statements.append(may_call(route_arns(self._stack, id_, OPERATOR)))
        self.wildcards.extend(route_arns(self._stack, exported_name(api, id_), OPERATOR))

    def _slots(self, cluster: ecs.ICluster, balancer: elb.ApplicationLoadBalancer) -> None:
        describe = ["DescribeRules", "DescribeTargetHealth"]
        self._allow([f"elasticloadbalancing:{action}" for action in describe], "*")
        name, of = cluster.cluster_name, balancer.load_balancer_full_name
        self._allow(["ecs:DescribeServices", "ecs:UpdateService"], self._arn("ecs", "service", f"{name}/*"))
        self._allow(["elasticloadbalancing:ModifyRule"], self._arn("elasticloadbalancing", "listener-rule", f"{of}/*"))
        parameters = self._parameter(f"/{self._project}/*")
        self._allow(["ssm:GetParameters", "ssm:PutParameter"], parameters)
        self.wildcards += [
            self._arn("ecs", "service", f"{exported_name(cluster, name)}/*"),
            self._arn("elasticloadbalancing", "listener-rule", f"{exported_name(balancer, of)}/*"),
            parameters,
        ]

    def _parameter(self, name: str) -> str:
        return self._arn("ssm", "parameter", name.removeprefix("/"))

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(service=service, resource=resource, resource_name=name)
