"""The CORS configuration of a template's HTTP API, which MiniStack stores under names that it does not read.

CloudFormation writes ``AllowOrigins`` where the API's own calls write ``allowOrigins``.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway


def install() -> None:
    """Have this process's MiniStack read the names of templates, too."""
    preflight, headers = apigateway._cors_preflight_response, apigateway._cors_response_headers
    apigateway._cors_preflight_response = lambda found, origin: preflight(_as_called(found), origin)
    apigateway._cors_response_headers = lambda found, origin: headers(_as_called(found), origin)


def _as_called(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in found.items()}
