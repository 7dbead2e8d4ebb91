"""VPC links: route an API's integration with a listener to the load balancer in this process.

MiniStack uses the listener's ARN, which such an integration has, as an address.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ministack.services import alb, apigateway

_UNESCAPED = "/:@!$&'()*+,;="


def install() -> None:
    """Make this process's MiniStack follow VPC links."""
    call = apigateway._invoke_http_proxy

    async def call_or_follow(integration: Mapping[str, Any], path: str, *request: Any) -> Any:
        listener = alb._listeners.get(integration.get("integrationUri", ""))
        if integration.get("connectionType") != "VPC_LINK" or listener is None:
            return await call(integration, path, *request)
        method, headers, body, query = request
        return await alb.dispatch_request(
            alb._lbs[listener["LoadBalancerArn"]],
            method,
            path,
            headers,
            body,
            query or {},
            port=listener["Port"],
            raw_path=quote(path, safe=_UNESCAPED),
        )

    apigateway._invoke_http_proxy = call_or_follow
