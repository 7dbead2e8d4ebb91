"""The internal load balancer of the heavy models, and the API's VPC link to it."""

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.heavy.network import Network
from slipway.config.deployment.keep_warm import LINK_PATH

HTTP = ec2.Port.tcp(80)
_NOT_FOUND = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no model is served here"}
_LAST_PRIORITY = 50_000
IDLE_SECONDS = 60
"""How long a connection may be idle; containers must keep theirs open longer, or requests would be lost."""


class Balancer(Construct):
    """An internal ALB that only the API's VPC link and tasks can reach. Requests that no rule matches get a 404.

    ``security_group`` is the balancer's own, which targets must allow.
    """

    def __init__(self, scope: Construct, id_: str, *, network: Network) -> None:
        super().__init__(scope, id_)
        link = network.closed_group("Link", "VPC link of the API")
        self.security_group = network.closed_group("Balancer", "Load balancer of the heavy tier")
        link.add_egress_rule(self.security_group, HTTP, "Requests of the API")
        self.security_group.add_ingress_rule(link, HTTP, "Requests of the API")
        network.tasks.add_egress_rule(self.security_group, HTTP, "Records that the other slot has to predict")
        self.security_group.add_ingress_rule(network.tasks, HTTP, "Records that the other slot has to predict")
        self.vpc_link = gateway.VpcLink(self, "Link", vpc=network.vpc, subnets=network.subnets, security_groups=[link])
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            internet_facing=False,
            security_group=self.security_group,
            drop_invalid_header_fields=True,
            idle_timeout=cdk.Duration.seconds(IDLE_SECONDS),
        )
        reason = "Only the API, whose access log has every request, and tasks, which count what they forward, call it."
        acknowledge(self.balancer, {"AwsSolutions-ELB2": reason})
        # Without TLS: this traffic stays inside the VPC, and a certificate needs a domain, which not every account has.
        self.listener = self.balancer.add_listener(
            "Http",
            port=80,
            protocol=elb.ApplicationProtocol.HTTP,
            open=False,
            default_action=elb.ListenerAction.fixed_response(
                404, content_type="application/json", message_body=json.dumps(_NOT_FOUND)
            ),
        )
        self.listener.add_action(
            "Link",
            priority=_LAST_PRIORITY,
            conditions=[elb.ListenerCondition.path_patterns([LINK_PATH])],
            action=elb.ListenerAction.fixed_response(200, content_type="application/json", message_body="{}"),
        )
