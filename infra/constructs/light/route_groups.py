"""The groups of routes that slipway.yaml gives scopes to."""

from slipway.config import JwtConfig

Route = tuple[str, str]
"""Method and path, e.g. ``("POST", "/v1/feedback")``."""

_PREDICTING = ("/predict", "/rank", "/infer")


def group_of(route: Route) -> str:
    """The group of a route, which is a field of `ScopesConfig`."""
    method, path = route
    if path.startswith("/v1/features/"):
        return "features_read" if method == "GET" else "features_write"
    if path == "/v1/feedback":
        return "feedback"
    return "predict" if method == "POST" and path.endswith(_PREDICTING) else "models"


def scopes_of(route: Route, jwt: JwtConfig | None) -> list[str] | None:
    """The scopes of which a token needs one to call a route; None if it needs none."""
    scopes: tuple[str, ...] = getattr(jwt.scopes, group_of(route)) if jwt else ()
    return list(scopes) or None
