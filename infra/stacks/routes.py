"""The routes of the API, by function; API Gateway answers any other with a 404."""

_MODEL = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"

ROUTES = {
    "predict": (
        ("GET", "/v1/models"),
        ("GET", "/v1/models/{model}"),
        ("POST", "/v1/models/{model}/predict"),
        ("POST", "/v1/models/{model}/versions/{version}/predict"),
        ("POST", "/v1/models/{model}/rank"),
        ("POST", "/v1/models/{model}/versions/{version}/rank"),
        ("GET", "/v2"),
        ("GET", "/v2/health/live"),
        ("GET", "/v2/health/ready"),
        ("GET", _MODEL),
        ("GET", f"{_MODEL}/ready"),
        ("POST", f"{_MODEL}/infer"),
        ("GET", _VERSION),
        ("GET", f"{_VERSION}/ready"),
        ("POST", f"{_VERSION}/infer"),
        ("POST", "/v2/repository/index"),
        ("GET", f"{_MODEL}/config"),
        ("GET", f"{_VERSION}/config"),
        ("GET", "/v2/models/stats"),
        ("GET", f"{_MODEL}/stats"),
        ("GET", f"{_VERSION}/stats"),
        ("GET", "/ping"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/docs/{name}"),
    ),
    "features": (
        ("GET", "/v1/features/{entity}/{id+}"),
        ("PUT", "/v1/features/{entity}/{id+}"),
        ("POST", "/v1/features/batch-write"),
    ),
    "feedback": (("POST", "/v1/feedback"),),
}


def heavy_routes(model: str) -> tuple[tuple[str, str], ...]:
    """The routes of a heavy model: those of `predict` with the model's name filled in."""
    return tuple((method, path.replace("{model}", model)) for method, path in ROUTES["predict"] if "{model}" in path)
