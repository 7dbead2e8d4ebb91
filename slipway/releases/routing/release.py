"""A release as a value: the versions that serve a model now."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.config import Config


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version under release, and its share of the records, from 0 to 1."""

    version: int
    share: float


@dataclass(frozen=True, slots=True)
class Shadowing:
    """How candidates shadow a model: the share of requests that they score, and when two values agree.

    Two values agree if they differ by at most ``tolerance`` times the larger one.
    """

    sample: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Release:
    """A model's stable version and its candidates. The stable version takes the share that no candidate takes.

    ``sticky`` names the request field or the entity by whose value records are assigned and counted.
    """

    model: str
    stable: int
    candidates: tuple[Candidate, ...] = ()
    strategy: str | None = None
    salt: str = ""
    sticky: str | None = None

    def __post_init__(self) -> None:
        # Computed shares may add up to slightly more than 1.
        if any(candidate.share < 0 for candidate in self.candidates) or self.candidate_share > 1 + 1e-9:
            raise ValueError(f"the candidates of {self.model} take {self.candidate_share:g} of the traffic, not 0 to 1")

    @property
    def candidate_share(self) -> float:
        """The share of the records that goes to candidates."""
        return sum(candidate.share for candidate in self.candidates)

    def key(self, record: Mapping[str, object], prediction: str) -> str:
        """The key that a record is assigned by: its sticky value, or else the random part of its prediction id."""
        value = record.get(self.sticky) if self.sticky else None
        return prediction if value is None else str(value)


def configured_releases(config: Config) -> dict[str, Release]:
    """The releases configured in slipway.yaml: each model with its stable version and no candidates."""
    return {name: Release(model=name, stable=model.stable) for name, model in config.models.items()}
