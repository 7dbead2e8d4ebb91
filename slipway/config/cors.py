"""Which pages in browsers may call the API."""

from typing import Annotated

from pydantic import Field, StringConstraints

from slipway.config.validation import Section

CORS_METHODS = ("GET", "POST", "PUT")
CORS_EXPOSED_HEADERS = ("inference-header-content-length", "retry-after")


class CorsConfig(Section):
    """The pages in browsers that may call the API: their origins, and the request headers that they may send."""

    origins: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^/*]+)$")], ...], Field(min_length=1)
    ]
    headers: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")], ...] = (
        *("authorization", "content-type", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"),
        "inference-header-content-length",
    )
    max_age_seconds: Annotated[int, Field(ge=0, le=86_400)] = 600
