"""The light tier's part in releases: there is little to do, since traffic follows the stored record."""

from collections.abc import Iterable, Mapping

from slipway.releases.evidence.tallies import Observed, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.actions import SetShares


class LightTier:
    """A `Tier` in which all versions are loaded in one process, and traffic follows the stored record.

    ``deployed`` has the versions of each model that are loaded.
    """

    def __init__(self, deployed: Mapping[str, Iterable[int]]) -> None:
        self._deployed = {model: frozenset(versions) for model, versions in deployed.items()}

    def observe(self, record: ReleaseRecord, *, mend: bool = True) -> Observed:  # noqa: ARG002 - as `Tier` has it
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
        """Nothing: it is loaded, or was never deployed."""

    def move(self, record: ReleaseRecord, action: SetShares) -> None:
        """Nothing: to store the record is to move the traffic."""

    def retire(self, record: ReleaseRecord, version: int) -> None:
        """Nothing: a version that is loaded costs nothing."""
