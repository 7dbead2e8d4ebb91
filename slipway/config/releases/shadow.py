"""The part of slipway.yaml on the function that scores shadows, and that function's names on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from slipway.config.validation import Section


class ShadowConfig(Section):
    """The Lambda function that scores captures for shadows; it costs nothing while no shadow is active.

    It keeps every version that it scores in memory, and the packages it fetches from the registry in ``storage_mb``.
    """

    memory_mb: Annotated[int, Field(ge=256, le=10_240)] = 1769  # one full vCPU, by AWS's documentation
    storage_mb: Annotated[int, Field(ge=512, le=10_240)] = 512
    timeout_seconds: Annotated[int, Field(ge=10, le=900)] = 60
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class ShadowNames:
    """The alias ARN of the scoring function, and each model's log group of captures."""

    function: str
    logs: Mapping[str, str]
