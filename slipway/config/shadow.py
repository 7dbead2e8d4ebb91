"""The part of slipway.yaml that says how shadows are scored, and what does it on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from slipway.config.validation import Section


class ShadowConfig(Section):
    """The Lambda function that scores captures for shadows; it costs nothing while there are none.

    It holds every version that it scores in memory, and those that it takes from the registry in ``storage_mb``.
    """

    memory_mb: Annotated[int, Field(ge=256, le=10_240)] = 1769  # one whole processor, by AWS's documentation
    storage_mb: Annotated[int, Field(ge=512, le=10_240)] = 512
    timeout_seconds: Annotated[int, Field(ge=10, le=900)] = 60
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class ShadowNames:
    """The function that scores, by the ARN of its alias, and the log group with the captures of each model."""

    function: str
    logs: Mapping[str, str]
