"""The API's routes to the heavy models, through the VPC link."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from constructs import Construct

from infra.constructs.heavy.balancer import Balancer
from infra.constructs.light.http_api import HttpApi
from infra.constructs.light.route_groups import Route
from slipway.config.keep_warm import LINK_PATH

# The CDK's maximum; a container answers earlier, by its own deadline.
_TIMEOUT = cdk.Duration.seconds(29)


class HeavyRoutes(Construct):
    """Routes that take precedence over the function's, because they name the model instead of a parameter.

    One more, to the load balancer alone, keeps the VPC link from becoming inactive.
    """

    def __init__(
        self, scope: Construct, id_: str, *, api: HttpApi, balancer: Balancer, routes: Sequence[Route]
    ) -> None:
        super().__init__(scope, id_)
        integration = integrations.HttpAlbIntegration(
            "Balancer", balancer.listener, vpc_link=balancer.vpc_link, timeout=_TIMEOUT
        )
        gateway.HttpRoute(
            self,
            "Link",
            http_api=api.api,
            route_key=gateway.HttpRouteKey.with_(LINK_PATH, gateway.HttpMethod.GET),
            integration=integration,
            # Always by IAM, since only the controller calls it, and it has no token.
            authorizer=authorizers.HttpIamAuthorizer(),
        )
        for method, path in routes:
            route = gateway.HttpRoute(
                self,
                f"{method} {path}".replace("/", "."),
                http_api=api.api,
                route_key=gateway.HttpRouteKey.with_(path, gateway.HttpMethod[method]),
                integration=integration,
                authorizer=api.authorizer,
                authorization_scopes=api.scopes((method, path)),
            )
            api.acknowledge_open(route)
