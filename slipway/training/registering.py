"""The lineage of a run's package, as the registry keeps it, and what the registry knows of earlier runs."""

from collections.abc import Iterable

from slipway.models.registry.versions import Lineage, VersionRecord
from slipway.training.dataset import DataSet
from slipway.training.ports import Offered
from slipway.training.run import Run


def lineage_of(run: Run, data: DataSet) -> Lineage:
    """What made a package, for the registry."""
    return Lineage(
        run=run.id,
        trigger=str(run.trigger),
        recipe=run.recipe,
        parameters=run.parameters,
        mode=run.mode,
        data_sha256=data.sha256,
        data_rows=data.rows,
        since=data.since,
        until=data.until,
        fingerprint=run.fingerprint(data.sha256),
    )


def offered_of(records: Iterable[VersionRecord]) -> list[Offered]:
    """The versions of the registry that runs made; a deprecated one is withdrawn."""
    return [
        Offered(record.number, record.origin.lineage, record.deprecated.reason if record.deprecated else None)
        for record in records
        if record.origin.lineage is not None
    ]
