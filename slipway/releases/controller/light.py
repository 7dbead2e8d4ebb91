"""Releases on the light tier, where traffic follows the stored record."""

from collections.abc import Iterable, Mapping

from slipway.releases.evidence.tallies import Observed, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.actions import SetShares


class LightTier:
    """A `Tier` that loads all versions in one process, where traffic follows the stored record.

    ``deployed`` lists the loaded versions of each model.
    """

    def __init__(self, deployed: Mapping[str, Iterable[int]]) -> None:
        self._deployed = {model: frozenset(versions) for model, versions in deployed.items()}

    def observe(self, record: ReleaseRecord, *, mend: bool = True) -> Observed:  # noqa: ARG002 - `Tier` requires it
        there = self._deployed.get(record.model, frozenset())
        missing = [str(version) for version in record.candidates if version not in there]
        readiness = {
            v: Readiness.READY if v in there else Readiness.FAILED for v in (record.stable, *record.candidates)
        }
        problem = (
            f"version {', '.join(missing)} is not among the deployed ones; add it to slipway.yaml" if missing else ""
        )
        return Observed(readiness, problem=problem)

    def prepare(self, record: ReleaseRecord, version: int) -> None:
        """Do nothing: a deployed version is already loaded."""

    def move(self, record: ReleaseRecord, action: SetShares) -> None:
        """Do nothing: storing the record moves the traffic."""

    def retire(self, record: ReleaseRecord, version: int) -> None:
        """Do nothing: a loaded version costs nothing."""
