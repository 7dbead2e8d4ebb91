"""Who calls an API, for the headers that an integration's parameter mapping writes.

MiniStack knows an API's caller, and gives parameter mappings only the claims of a token.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway

_LOOPBACK = "127.0.0.1"  # where every caller is


def install() -> None:
    """Give this process's MiniStack the variables of `$context.identity` for its parameter mappings."""
    apply = apigateway._apply_request_parameter_mappings

    def apply_with_identity(integration: Mapping[str, Any], *, context_vars: Mapping[str, Any], **request: Any) -> Any:
        caller = apigateway._iam_caller_identity_v2(request["request_headers"], request["request_query"]) or {}
        identity = {"identity.sourceIp": _LOOPBACK, "identity.userArn": caller.get("userArn")}
        return apply(integration, context_vars={**context_vars, **identity}, **request)

    apigateway._apply_request_parameter_mappings = apply_with_identity
