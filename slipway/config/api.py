"""The part of slipway.yaml on the API: who may call it, how often, and with what."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from slipway.config.cors import CorsConfig
from slipway.config.validation import Section

CALLER_HEADER = "x-slipway-caller"
"""Who calls a heavy model, as API Gateway tells its tasks: a source address, and after a space an identity if known."""

DEVICE_HEADER = "slipway-device-ids"
"""The unique part of the id that a device made for each record that it sends home, separated by commas."""


class Authorization(StrEnum):
    """Who may call the API."""

    IAM = "iam"
    JWT = "jwt"
    NONE = "none"


Scope = Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]{1,64}$")]
Scopes = tuple[Scope, ...]


class ScopesConfig(Section):
    """The scopes that each group of routes demands; a token needs one of a group's, and none where there are none."""

    predict: Scopes = ()
    models: Scopes = ()
    features_read: Scopes = ()
    features_write: Scopes = ()
    feedback: Scopes = ()


class JwtConfig(Section):
    issuer: Annotated[str, StringConstraints(pattern=r"^https://")]
    audience: Annotated[tuple[str, ...], Field(min_length=1)]
    scopes: ScopesConfig = ScopesConfig()


class ThrottleConfig(Section):
    """API Gateway's throttling: the steady-state rate in requests per second, and the burst size."""

    rate: Annotated[float, Field(gt=0)] = 200
    burst: Annotated[int, Field(gt=0)] = 400


class LimitsConfig(Section):
    """The limits of one request; a larger one is refused before it is parsed."""

    # An HTTP API refuses bodies over 10 MB and Lambda payloads over 6 MB, which base64 inflates by a third.
    body_bytes: Annotated[int, Field(ge=1024, le=4 * 1024 * 1024)] = 1024 * 1024
    records: Annotated[int, Field(ge=1, le=128)] = 128
    text_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000


class ApiConfig(Section):
    authorization: Authorization = Authorization.IAM
    jwt: JwtConfig | None = None
    throttle: ThrottleConfig = ThrottleConfig()
    limits: LimitsConfig = LimitsConfig()
    cors: CorsConfig | None = None

    @model_validator(mode="after")
    def _jwt_needs_its_issuer(self) -> Self:
        if (self.authorization is Authorization.JWT) != (self.jwt is not None):
            raise ValueError(
                "`jwt: {issuer, audience}` is required with `authorization: jwt` and not allowed without it"
            )
        return self
