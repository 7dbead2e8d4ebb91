"""What is serving a model now, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.config import Config


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version under release, and the share of the records, from 0 to 1, that goes to it."""

    version: int
    share: float


@dataclass(frozen=True, slots=True)
class Shadowing:
    """How candidates shadow a model: which share of its requests they score, and from where on values disagree.

    Two values agree that differ by ``tolerance`` times the larger one at most.
    """

    sample: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Release:
    """The stable version of a model and the candidates beside it; what no candidate takes goes to the stable one.

    ``sticky`` is the field of the request, or the entity, whose value keeps its version.
    """

    model: str
    stable: int
    candidates: tuple[Candidate, ...] = ()
    strategy: str | None = None
    salt: str = ""
    sticky: str | None = None

    def __post_init__(self) -> None:
        # Shares that were computed may add up to a little more than 1.
        if any(candidate.share < 0 for candidate in self.candidates) or self.candidate_share > 1 + 1e-9:
            raise ValueError(f"the candidates of {self.model} take {self.candidate_share:g} of the traffic, not 0 to 1")

    @property
    def candidate_share(self) -> float:
        """The share of the records that leaves the stable version."""
        return sum(candidate.share for candidate in self.candidates)

    def key(self, record: Mapping[str, object], prediction: str) -> str:
        """What a record is assigned by: its sticky value, else the random part of its prediction id."""
        value = record.get(self.sticky) if self.sticky else None
        return prediction if value is None else str(value)


def configured_releases(config: Config) -> dict[str, Release]:
    """The releases that slipway.yaml writes down: every model with its stable version and no candidate."""
    return {name: Release(model=name, stable=model.stable) for name, model in config.models.items()}
