"""Reads how much traffic a model has at present."""

from datetime import datetime, timedelta

from slipway.config.releases.options import Canary
from slipway.releases.controller.reconciler import EvidenceReader
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import NOTHING
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.analysis import outcomes_alike
from slipway.releases.strategies.forecast import Traffic

_READ = timedelta(hours=1)


def present_traffic(reader: EvidenceReader, record: ReleaseRecord, now: datetime) -> Traffic | None:
    """The model's requests per minute in the last hour, and the stable version's failures; None without requests.

    Raises:
        UnavailableError: the metrics cannot be read.
    """
    # The versions' answers count, whatever the release: not what shadows score, and no rewards or clicks.
    plain = record.model_copy(update={"options": Canary(), "history": (), "judged_until": now - _READ})
    windows = reader.windows(plain, now)
    stable = sum((window.tally(record.stable, keys.ERRORS) for window in windows), NOTHING)
    requests = stable.n + sum(
        window.tally(version, keys.ERRORS).n for window in windows for version in record.candidates
    )
    if not requests:
        return None
    past = reader.reference(plain, now) if record.limits is None or not record.capitals else None
    limits = record.limits or past
    p50, p99 = (limits.p50_ms, limits.p99_ms) if limits else (None, None)
    minutes = sum(window.minutes for window in windows)
    return Traffic(requests / minutes, stable.mean if stable.n else None, p50, p99, outcomes_alike(record, past))
