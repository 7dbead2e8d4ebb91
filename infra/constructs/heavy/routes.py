"""The API's routes to the heavy models, through the VPC link."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from constructs import Construct

from infra.constructs.heavy.balancer import Balancer
from infra.constructs.light.http_api import HttpApi
from infra.constructs.light.route_groups import Route
from slipway.config import Authorization
from slipway.config.api import CALLER_HEADER
from slipway.config.deployment.keep_warm import LINK_PATH

# The CDK's maximum; a container answers earlier, by its own deadline.
_TIMEOUT = cdk.Duration.seconds(29)


_IDENTITIES: Mapping[Authorization, str] = {
    Authorization.IAM: " ${context.identity.userArn}",
    Authorization.JWT: " ${context.authorizer.claims.sub}",
    Authorization.NONE: "",
}


def _name_caller(authorization: Authorization) -> gateway.ParameterMapping:
    """Have API Gateway say who calls, in place of what a client may have sent.

    The source address comes first, so that the value is never empty: AWS does not say whether a header of the client
    would stay if it were. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
    """
    caller = "${context.identity.sourceIp}" + _IDENTITIES[authorization]
    return gateway.ParameterMapping().overwrite_header(CALLER_HEADER, gateway.MappingValue.custom(caller))


class HeavyRoutes(Construct):
    """Routes that take precedence over the function's, because they name the model instead of a parameter.

    One more, to the load balancer alone, keeps the VPC link from becoming inactive.
    """

    def __init__(
        self, scope: Construct, id_: str, *, api: HttpApi, balancer: Balancer, routes: Sequence[Route]
    ) -> None:
        super().__init__(scope, id_)
        integration = integrations.HttpAlbIntegration(
            "Balancer",
            balancer.listener,
            vpc_link=balancer.vpc_link,
            timeout=_TIMEOUT,
            parameter_mapping=_name_caller(api.authorization),
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
