"""Releases on the light tier, where traffic follows the stored record."""

from collections.abc import Callable, Iterable, Mapping

from slipway.releases.evidence.tallies import Observed, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.actions import SetShares

WhyNotLoaded = Callable[[str, int], str]
"""Says why the API cannot serve a version of a model; empty if it can, or if nothing is known."""


def nothing_known(model: str, version: int) -> str:  # noqa: ARG001 - `WhyNotLoaded` requires it
    """`WhyNotLoaded` where the API cannot be asked."""
    return ""


class LightTier:
    """A `Tier` that loads all versions in one process, where traffic follows the stored record.

    ``deployed`` lists the versions of each model that are to be loaded. While a release is prepared, ``why_not_loaded``
    tells whether the process could load its candidates.
    """

    def __init__(self, deployed: Mapping[str, Iterable[int]], *, why_not_loaded: WhyNotLoaded = nothing_known) -> None:
        self._deployed = {model: frozenset(versions) for model, versions in deployed.items()}
        self._why_not_loaded = why_not_loaded

    def observe(self, record: ReleaseRecord, *, mend: bool = True) -> Observed:
        there = self._deployed.get(record.model, frozenset())
        missing = [str(version) for version in record.candidates if version not in there]
        readiness = {
            v: Readiness.READY if v in there else Readiness.FAILED for v in (record.stable, *record.candidates)
        }
        if missing:
            problem = f"version {', '.join(missing)} is not among the deployed ones; add it to slipway.yaml"
            return Observed(readiness, problem=problem)
        broken = self._broken(record) if mend and record.phase is Phase.PREPARING else {}
        readiness |= dict.fromkeys(broken, Readiness.FAILED)
        return Observed(readiness, problem="; ".join(f"version {v}: {why}" for v, why in broken.items()))

    def _broken(self, record: ReleaseRecord) -> dict[int, str]:
        """The candidates that the process could not load, and why."""
        found = {version: self._why_not_loaded(record.model, version) for version in record.candidates}
        return {version: why for version, why in found.items() if why}

    def prepare(self, record: ReleaseRecord, version: int) -> None:
        """Do nothing: a deployed version is already loaded."""

    def move(self, record: ReleaseRecord, action: SetShares) -> None:
        """Do nothing: storing the record moves the traffic."""

    def retire(self, record: ReleaseRecord, version: int) -> None:
        """Do nothing: a loaded version costs nothing."""
