"""What a look adds to the sums by bucket of the sticky value."""

from slipway.monitoring.feedback.bucket_sums import BucketSums
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.routing.buckets import BUCKETS

_NOTHING = Clusters((0.0,) * BUCKETS, (0.0,) * BUCKETS)


def clusters(sums: BucketSums) -> Clusters:
    """Sums by bucket as clusters; buckets without outcomes are 0."""
    pairs = [sums.get(bucket, (0.0, 0.0)) for bucket in range(BUCKETS)]
    return Clusters(tuple(n for n, _ in pairs), tuple(total for _, total in pairs))


def since(found: BucketSums, seen: Clusters | None) -> Clusters | None:
    """The difference between a counter and what the record has seen of it; None if no bucket has changed."""
    now, before = clusters(found), seen or _NOTHING
    if now == before:
        return None
    return Clusters(
        tuple(new - old for new, old in zip(now.n, before.n, strict=True)),
        tuple(new - old for new, old in zip(now.total, before.total, strict=True)),
    )
