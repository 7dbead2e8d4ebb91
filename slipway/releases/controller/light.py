"""Releases on the light tier, where traffic follows the stored record."""

from collections.abc import Callable, Iterable, Mapping

from slipway.releases.evidence.tallies import Observed, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.actions import SetShares

WhyNotLoaded = Callable[[str, int], str]
"""Says why the API cannot serve a version of a model; empty if it can, or if nothing is known."""


MayHave = Callable[[str, int], bool]
"""Whether a version that slipway.yaml does not name may be loaded from the registry."""


def none_later(model: str, version: int) -> bool:  # noqa: ARG001 - `MayHave` requires it
    """`MayHave` where all versions are those of slipway.yaml."""
    return False


def nothing_known(model: str, version: int) -> str:  # noqa: ARG001 - `WhyNotLoaded` requires it
    """`WhyNotLoaded` where the API cannot be asked."""
    return ""


class LightTier:
    """A `Tier` that loads all versions in one process, where traffic follows the stored record.

    ``deployed`` lists the versions of each model that are to be loaded, and ``may_have`` tells of others whether they
    are loaded once a release has them. While a release is prepared, ``why_not_loaded`` tells whether the process could
    load its candidates.
    """

    def __init__(
        self,
        deployed: Mapping[str, Iterable[int]],
        *,
        why_not_loaded: WhyNotLoaded = nothing_known,
        may_have: MayHave = none_later,
    ) -> None:
        self._deployed = {model: frozenset(versions) for model, versions in deployed.items()}
        self._why_not_loaded = why_not_loaded
        self._may_have = may_have

    def observe(self, record: ReleaseRecord, *, mend: bool = True) -> Observed:
        versions = (record.stable, *record.candidates)
        there = self._deployed.get(record.model, frozenset())
        there |= {version for version in versions if self._may_have(record.model, version)}
        missing = [str(version) for version in record.candidates if version not in there]
        readiness = {version: Readiness.READY if version in there else Readiness.FAILED for version in versions}
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
