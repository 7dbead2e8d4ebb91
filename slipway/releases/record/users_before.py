"""What users did before a release: the sums by bucket of an earlier release with the same sticky value."""

from collections.abc import Iterable
from functools import reduce
from operator import add

from slipway.releases.evidence.tallies import ACCURACY, REWARD
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.stored_evidence import StoredClusters
from slipway.releases.routing.sticky import sticky_of


def with_users_before(record: ReleaseRecord, past: Iterable[ReleaseRecord]) -> ReleaseRecord:
    """The record with the outcomes of its users in the newest past release that counted them; ``past`` is newest first.

    The same users are in the same buckets in every release, on whichever version each of them was.
    """
    sticky = sticky_of(record.options)
    if sticky is None:
        return record
    known = (_outcomes(each) for each in past if sticky_of(each.options) == sticky)
    return record.model_copy(update={"clusters_before": next((each for each in known if each), {})})


def _outcomes(record: ReleaseRecord) -> dict[str, StoredClusters]:
    arms = {
        key: [found for version in record.clusters if (found := record.clustered(version, key)) is not None]
        for key in (REWARD, ACCURACY)
    }
    return {key: StoredClusters.of(reduce(add, found)) for key, found in arms.items() if found}
