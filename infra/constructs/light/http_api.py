"""The HTTP API: authorization, throttling, access log and routes."""

import json
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.basics.log_group import log_group
from infra.constructs.light.function import Function
from infra.constructs.light.route_groups import Route, scopes_of
from slipway.config import ApiConfig, Authorization, CorsConfig
from slipway.config.cors import CORS_EXPOSED_HEADERS, CORS_METHODS


class HttpApi(Construct):
    """An API with one stage, ``$default``, that logs each request as a line of JSON. Unknown routes get a 404."""

    def __init__(self, scope: Construct, id_: str, *, settings: ApiConfig, log_retention_days: int) -> None:
        super().__init__(scope, id_)
        self.authorization = settings.authorization
        self._jwt = settings.jwt
        self.authorizer = _authorizer(settings)
        self.api = gateway.HttpApi(
            self,
            "Api",
            create_default_stage=False,
            default_authorizer=self.authorizer,
            description="Slipway",
            cors_preflight=_cors(settings.cors),
        )
        self.stage = gateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(rate_limit=settings.throttle.rate, burst_limit=settings.throttle.burst),
            access_log_settings=_AccessLog(gateway.LogGroupLogDestination(self._access_log(log_retention_days))),
        )

    def _access_log(self, retention_days: int) -> logs.LogGroup:
        """The log group of the access log.

        Its name has the prefix that AWS asks for: a policy of limited size lists every other group that API Gateway
        writes to.
        """
        name = f"/aws/vendedlogs/apis/{cdk.Stack.of(self).stack_name}"
        return log_group(self, "AccessLog", retention_days=retention_days, name=name)

    def add_routes(self, function: Function, routes: Sequence[Route]) -> None:
        """Route ``routes`` to the alias of ``function``."""
        # One permission for the whole API: one per route could exceed the 20 KB of the function's policy.
        integration = integrations.HttpLambdaIntegration(
            function.name.capitalize(),
            function.alias,
            payload_format_version=gateway.PayloadFormatVersion.VERSION_2_0,
            scope_permission_to_route=False,
        )
        for method, path in routes:
            for route in self.api.add_routes(
                path=path,
                methods=[gateway.HttpMethod[method]],
                integration=integration,
                authorization_scopes=self.scopes((method, path)),
            ):
                self.acknowledge_open(route)

    def scopes(self, route: Route) -> list[str] | None:
        """The scopes of which a token needs one to call ``route``; None if it needs none."""
        return scopes_of(route, self._jwt)

    def acknowledge_open(self, route: gateway.HttpRoute) -> None:
        """Accept that anyone may call ``route``, if slipway.yaml lets anyone call the API."""
        if self.authorization is Authorization.NONE:
            reason = "slipway.yaml sets `authorization: none`, which is never the default."
            acknowledge(route, {"AwsSolutions-APIG4": reason})


def _cors(cors: CorsConfig | None) -> gateway.CorsPreflightOptions | None:
    """API Gateway answers preflight requests itself, without authorization."""
    if cors is None:
        return None
    return gateway.CorsPreflightOptions(
        allow_origins=list(cors.origins),
        allow_methods=[gateway.CorsHttpMethod[method] for method in CORS_METHODS],
        allow_headers=list(cors.headers),
        expose_headers=list(CORS_EXPOSED_HEADERS),
        max_age=cdk.Duration.seconds(cors.max_age_seconds),
    )


def _authorizer(settings: ApiConfig) -> gateway.IHttpRouteAuthorizer | None:
    if settings.jwt is not None:
        return authorizers.HttpJwtAuthorizer("Jwt", settings.jwt.issuer, jwt_audience=list(settings.jwt.audience))
    return authorizers.HttpIamAuthorizer() if settings.authorization is Authorization.IAM else None


# The route and not the path: the path of a feature row has the id of its entity, which may be a person.
_ACCESS_LOG_FIELDS: Mapping[str, str] = {
    "time": "requestTime",
    "id": "requestId",
    "ip": "identity.sourceIp",
    "caller": "identity.userArn",
    "method": "httpMethod",
    "route": "routeKey",
    "protocol": "protocol",
    "status": "status",
    "bytes": "responseLength",
    "latency_ms": "responseLatency",
    "integration_latency_ms": "integrationLatency",
    "integration_error": "integrationErrorMessage",
    "authorizer_error": "authorizer.error",
    "error": "error.message",
}


@jsii.implements(gateway.IAccessLogSettings)
class _AccessLog:
    def __init__(self, destination: gateway.IAccessLogDestination) -> None:
        self._destination = destination

    @property
    def destination(self) -> gateway.IAccessLogDestination:
        return self._destination

    @property
    def format(self) -> apigateway.AccessLogFormat:
        fields = {name: f"$context.{variable}" for name, variable in _ACCESS_LOG_FIELDS.items()}
        return apigateway.AccessLogFormat.custom(json.dumps(fields))
