"""The VPC of the heavy tier: two zones, without internet access unless slipway.yaml adds NAT gateways."""

from collections.abc import Mapping

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from slipway.config.heavy import NetworkConfig

HTTPS = ec2.Port.tcp(443)

_Service = ec2.InterfaceVpcEndpointAwsService
# A task on Fargate pulls its image, writes its log, and reads the parameter with its version.
_ENDPOINTS = {
    "EcrApi": _Service.ECR,
    "EcrImages": _Service.ECR_DOCKER,
    "Logs": _Service.CLOUDWATCH_LOGS,
    "Ssm": _Service.SSM,
}
# What a task calls besides where its requests are traced.
_TRACING_ENDPOINTS = {"XRay": _Service.XRAY}
# What ECS's agent on an instance calls besides.
_AGENT_ENDPOINTS = {"Ecs": _Service.ECS, "EcsAgent": _Service.ECS_AGENT, "EcsTelemetry": _Service.ECS_TELEMETRY}


class Network(Construct):
    """A VPC, the security group of its tasks, and its connections to AWS.

    S3 and DynamoDB are reached by gateway endpoints, which are free. The rest is by interface endpoints, or by NAT
    gateways where slipway.yaml has some. ``instances`` says that there are instances with ECS's agent on them,
    ``tracing`` that tasks send traces to X-Ray.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: NetworkConfig, instances: bool, tracing: bool) -> None:
        super().__init__(scope, id_)
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS if settings.nat_gateways else ec2.SubnetType.PRIVATE_ISOLATED
        subnets = [ec2.SubnetConfiguration(name="Tasks", subnet_type=private, cidr_mask=26)]
        if settings.nat_gateways:
            subnets.append(ec2.SubnetConfiguration(name="Nat", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=28))
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            nat_gateways=settings.nat_gateways,
            subnet_configuration=subnets,
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
            # Restricting it would need an extra function, for a group that nothing uses.
            restrict_default_security_group=False,
        )
        reason = "Requests are in the API's access log, and flow logs would cost more than they are worth."
        acknowledge(self.vpc, {"AwsSolutions-VPC7": reason})
        self.subnets = ec2.SubnetSelection(subnet_type=private)
        self.tasks = self.security_group("Tasks", "The tasks of heavy models")
        self.tasks.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS, by the endpoints of the VPC")
        if not settings.nat_gateways:
            agent = _AGENT_ENDPOINTS if instances else {}
            self._add_endpoints({**_ENDPOINTS, **agent, **(_TRACING_ENDPOINTS if tracing else {})})

    def security_group(self, id_: str, description: str) -> ec2.SecurityGroup:
        """A security group without any rules."""
        return ec2.SecurityGroup(self, id_, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _add_endpoints(self, endpoints: Mapping[str, ec2.InterfaceVpcEndpointAwsService]) -> None:
        group = self.security_group("Endpoints", "Endpoints of the VPC")
        group.add_ingress_rule(self.tasks, HTTPS, "Tasks call AWS")
        for name, service in endpoints.items():
            self.vpc.add_interface_endpoint(
                name, service=service, subnets=self.subnets, security_groups=[group], open=False
            )
