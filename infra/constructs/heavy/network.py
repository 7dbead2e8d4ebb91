"""The VPC of the heavy tier: two zones, without internet access unless slipway.yaml adds NAT gateways."""

from collections.abc import Mapping, Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from slipway.config.deployment.zones import VPC_LINK_ZONES, ZONES, choose_zones
from slipway.config.heavy import NetworkConfig

HTTPS = ec2.Port.tcp(443)

# The CDK's own rule for "nothing": a kind of ICMP that does not exist, to an address that nothing has.
_NOTHING = {
    "CidrIp": "255.255.255.255/32",
    "Description": "Disallow all traffic",
    "IpProtocol": "icmp",
    "FromPort": 252,
    "ToPort": 86,
}

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
_PLACES = ("First", "Second")


class Network(Construct):
    """A VPC, the security group of its tasks, and its connections to AWS.

    S3 and DynamoDB are reached by gateway endpoints, which are free. The rest is by interface endpoints, or by NAT
    gateways where slipway.yaml has some. ``tracing`` says that tasks send traces to X-Ray.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: NetworkConfig, tracing: bool) -> None:
        super().__init__(scope, id_)
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS if settings.nat_gateways else ec2.SubnetType.PRIVATE_ISOLATED
        subnets = [ec2.SubnetConfiguration(name="Tasks", subnet_type=private, cidr_mask=26)]
        if settings.nat_gateways:
            subnets.append(ec2.SubnetConfiguration(name="Nat", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=28))
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=ZONES,
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
        self._place(settings.zone_ids)
        self.subnets = ec2.SubnetSelection(subnet_type=private)
        self.tasks = self.security_group("Tasks", "The tasks of heavy models")
        self.tasks.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS, by the endpoints of the VPC")
        if not settings.nat_gateways:
            self._add_endpoints({**_ENDPOINTS, **(_TRACING_ENDPOINTS if tracing else {})})

    def _place(self, zone_ids: Sequence[str]) -> None:
        """Put the subnets into zones that a VPC link can be in, by id, which CloudFormation looks up by region."""
        zones = list(zone_ids) or self._zones_of_region()
        for subnets in (self.vpc.isolated_subnets, self.vpc.private_subnets, self.vpc.public_subnets):
            for subnet, zone in zip(subnets, zones, strict=False):
                made = cast("ec2.CfnSubnet", subnet.node.default_child)
                made.availability_zone = None
                made.availability_zone_id = zone

    def _zones_of_region(self) -> list[str]:
        zones = {region: dict(zip(_PLACES, choose_zones(region), strict=True)) for region in VPC_LINK_ZONES}
        mapping = cdk.CfnMapping(self, "Zones", mapping=zones)
        return [mapping.find_in_map(cdk.Aws.REGION, place) for place in _PLACES]

    def security_group(self, id_: str, description: str) -> ec2.SecurityGroup:
        """A security group without any rules."""
        return ec2.SecurityGroup(self, id_, vpc=self.vpc, description=description, allow_all_outbound=False)

    def closed_group(self, id_: str, description: str) -> ec2.SecurityGroup:
        """A security group whose rules all name other groups.

        Those rules are resources of their own. A group without any inline would keep EC2's default, which lets
        everything out.
        """
        group = self.security_group(id_, description)
        cast("ec2.CfnSecurityGroup", group.node.default_child).add_property_override("SecurityGroupEgress", [_NOTHING])
        return group

    def _add_endpoints(self, endpoints: Mapping[str, ec2.InterfaceVpcEndpointAwsService]) -> None:
        group = self.security_group("Endpoints", "Endpoints of the VPC")
        group.add_ingress_rule(self.tasks, HTTPS, "Tasks call AWS")
        for name, service in endpoints.items():
            self.vpc.add_interface_endpoint(
                name, service=service, subnets=self.subnets, security_groups=[group], open=False
            )
