"""Reads values of the CDK context, which are text if `-c` gives them."""

from infra.bundling.bundle import Target
from slipway.errors import ConfigError, FieldProblem


def switch(name: str, *, value: str | bool | None) -> bool:
    """A value of the CDK context that is true or false; `-c` passes text."""
    text = str(value or False).lower()
    if text not in {"true", "false"}:
        raise ConfigError("the CDK context", [FieldProblem(name, f"{value!r} must be true or false")])
    return text == "true"


def target_of(name: str | None) -> Target:
    """The context ``slipway:target``: what bundles are built for, by default Lambda."""
    try:
        return Target(name or Target.LAMBDA)
    except ValueError as error:
        problem = FieldProblem("slipway:target", f"{name!r} must be one of {', '.join(Target)}")
        raise ConfigError("the CDK context", [problem]) from error
