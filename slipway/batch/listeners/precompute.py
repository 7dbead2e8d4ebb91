"""Write the answers of a job under the entities that its rows are about, for the API to answer from."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from slipway.batch.reading import ScoredTable
from slipway.batch.row_features import entity_ids
from slipway.batch.scoring import chosen_list
from slipway.errors import InputError
from slipway.features.precomputed import Precomputed, PrecomputedStore, precomputed_key
from slipway.features.store import Clock, utc_now
from slipway.models.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow


class PrecomputingListener:
    """Stores the answers of a shard. Of several rows of one entity in a table, the last one counts.

    Args:
        manifest: the version's.
        entity: the entity, and the column with its ids.
        store: where the answers go.
        ttl: how long the API answers from them, from when they are made.
    """

    def __init__(
        self, manifest: Manifest, entity: str, store: PrecomputedStore, ttl: timedelta, *, clock: Clock = utc_now
    ) -> None:
        self._manifest = manifest
        self._entity = entity
        self._store = store
        self._ttl = ttl
        self._clock = clock
        self._stored = 0

    def add(self, found: ScoredTable, ids: "pyarrow.Array") -> None:  # noqa: ARG002 - as `Listener` has it
        """Store the answers of the rows that name the entity; raises UnavailableError."""
        names, _, is_id = entity_ids(found.table, self._entity)
        places = is_id.nonzero()[0]
        answers, records = chosen_list(found.scored, places), found.scored.records(places.tolist())
        made_at = self._clock()
        made_at = made_at.replace(microsecond=made_at.microsecond // 1000 * 1000)
        entries = {
            self._key(name): Precomputed(answer, record, made_at)
            for name, answer, record in zip(names.take(places).to_pylist(), answers, records, strict=True)
        }
        self._stored += self._store.put(entries, self._ttl)

    def files(self, shard: str) -> Mapping[str, Iterable[bytes]]:  # noqa: ARG002 - as `Listener` has it
        """No files."""
        return {}

    def counts(self) -> Mapping[str, int]:
        """How many answers were stored."""
        return {"precomputed": self._stored}

    def _key(self, id_: str) -> str:
        return precomputed_key(self._manifest.name, self._manifest.version, self._entity, id_)


def require_looked_up(model: str, entity: str, configured: str | None) -> None:
    """Raise InputError unless the API looks for answers of an entity, which `cache.precomputed` of the model says."""
    if configured != entity:
        said = "nothing" if configured is None else configured
        raise InputError.of(
            "--precompute",
            f"the API looks for precomputed answers of {said}: "
            f"set models.{model}.cache.precomputed to {entity} in slipway.yaml",
        )


def require_precomputable(manifest: Manifest, owners: Mapping[str, str], entity: str, configured: str | None) -> None:
    """Raise InputError unless the API answers a record that gives only an entity.

    Args:
        manifest: the version's.
        owners: the entity of each feature group of slipway.yaml.
        entity: what answers are precomputed of.
        configured: what `cache.precomputed` of the model in slipway.yaml says.
    """
    require_looked_up(manifest.name, entity, configured)
    needed = [
        field.name
        for field in manifest.inputs
        if (owners.get(field.group) != entity if field.group else field.default is None and not field.nullable)
    ]
    if needed:
        raise InputError.of(
            "--precompute",
            f"a request to {manifest.name} must give {', '.join(needed[:3])}{' …' if len(needed) > 3 else ''}, too: "
            f"only where all inputs are features of {entity}, or optional, does a request give nothing else",
        )
