"""The names that slipway.yaml gives to things."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

_RESERVED = ("aws", "ssm")


def begins_as_parameters_may(project: str) -> str:
    """Return the project's name; raises ValueError if Parameter Store refuses names that begin with it."""
    if project.startswith(_RESERVED):
        raise ValueError(
            "must not begin with `aws` or `ssm`: parameters are named after the project, and AWS keeps those names"
        )
    return project


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
"""A model, entity or feature group: lower case, digits and hyphens, at most 48 characters."""

ProjectName = Annotated[Name, AfterValidator(begins_as_parameters_may)]
FeatureName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
EntityName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""An entity, which may be named as an input is."""

VersionNumber = Annotated[int, Field(ge=1)]
ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
