"""The quotas of limits.yaml, as numbers that a simulation may raise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

SHIPPED = Path(__file__).parent / "limits.yaml"


class Limit(BaseModel):
    """A quota of AWS, or a rate that it keeps to. ``quota`` is its name in Service Quotas, if one can ask for more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[float, Field(gt=0)]
    unit: str
    adjustable: bool
    quota: str | None = None
    source: Annotated[str, Field(pattern=r"^https://docs\.aws\.amazon\.com/")]

    @model_validator(mode="after")
    def _adjustable_ones_have_a_name(self) -> "Limit":
        if self.adjustable != (self.quota is not None):
            raise ValueError("`quota` names what one can ask for, and only that")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    limits: dict[str, Limit]
    assumptions: dict[str, Annotated[float, Field(gt=0)]]


@dataclass(frozen=True)
class Limits:
    """All limits by name, with those that were raised, and the assumptions."""

    as_of: date
    known: Mapping[str, Limit]
    assumed: Mapping[str, float]
    granted: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """The value of a limit, as it was raised; or of an assumption."""
        if name in self.granted:
            return self.granted[name]
        return self.known[name].value if name in self.known else self.assumed[name]

    def raised(self, values: Mapping[str, float]) -> "Limits":
        """The same with other values of adjustable limits."""
        fixed = [name for name in values if not self.known[name].adjustable]
        if fixed:
            raise ValueError(f"nobody can raise {', '.join(fixed)}")
        return replace(self, granted={**self.granted, **values})


@cache
def load_limits(path: Path = SHIPPED) -> Limits:
    """Read a file of limits."""
    found = _Document.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return Limits(found.as_of, found.limits, found.assumptions)
