"""Where training tasks run: public subnets without a NAT gateway, so that an idle project pays nothing for them."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge

_CIDR = "10.90.0.0/24"


class TaskNetwork(Construct):
    """A VPC, and a security group that lets nothing in and HTTPS out.

    A task on Fargate has a public address while it runs, by which it pulls its image; nothing can connect to it. S3 and
    DynamoDB are reached by gateway endpoints, which are free. With ``instances``, machines that start here get an
    address, too, by which ECS's agent pulls the image and writes the log. Their tasks have none.
    """

    def __init__(self, scope: Construct, id_: str, *, instances: bool = False) -> None:
        super().__init__(scope, id_)
        public = ec2.SubnetConfiguration(
            name="Tasks", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=26, map_public_ip_on_launch=instances
        )
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            ip_addresses=ec2.IpAddresses.cidr(_CIDR),
            nat_gateways=0,
            subnet_configuration=[public],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
            # Restricting it would need an extra function, for a group that nothing uses.
            restrict_default_security_group=False,
        )
        reason = "Nothing can connect to the tasks, and flow logs would cost more than they are worth."
        acknowledge(self.vpc, {"AwsSolutions-VPC7": reason})
        self.subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        self.tasks = ec2.SecurityGroup(
            self, "Tasks", vpc=self.vpc, description="Training tasks", allow_all_outbound=False
        )
        self.tasks.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS")
