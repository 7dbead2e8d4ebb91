"""Where a job reads features and writes precomputed answers; each worker opens its own clients on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.batch.features import FeatureReader, FeaturesFrom, HistoryReader, StoreReader
from slipway.batch.job import Job
from slipway.batch.listeners.listening import Listener, Listeners
from slipway.batch.listeners.precompute import PrecomputingListener
from slipway.batch.listeners.recording import RecordingListener
from slipway.batch.row_features import RowFeatures
from slipway.batch.scoring import Scorer
from slipway.batch.shards import Shard
from slipway.config import FeatureGroupConfig
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.files import HistoryFiles, HistoryFolder
from slipway.models.manifest import Manifest
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.monitoring.profiles.making import VersionBins


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables and the history of a deployment; it can be pickled.

    Attributes:
        groups: the feature groups of slipway.yaml.
        features_table: the online store.
        history: the bucket of histories, or a folder of this machine laid out as it is.
        predictions_table: where precomputed answers are written.
        options: of boto3's clients.
    """

    groups: Mapping[str, FeatureGroupConfig] = field(default_factory=dict)
    features_table: str | None = None
    history: str | Path | None = None
    predictions_table: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def features(self, job: Job, manifest: Manifest) -> RowFeatures | None:
        """What reads the features of a job's rows; None if every input is a column.

        Raises:
            InputError: features are read from the store or history, and this is not known.
        """
        if job.extras.features is FeaturesFrom.NONE:
            return None
        definitions = FeatureDefinitions(self.groups)
        reader = self._reader(job.extras.features, definitions)
        time_column = job.extras.time_column if job.extras.features is FeaturesFrom.HISTORY else None
        return RowFeatures(manifest, definitions.entities, reader, time_column)

    def scorer(self, job: Job, predictor: Predictor) -> Scorer:
        """The scorer of a job's rows; raises as `features` does."""
        return Scorer(predictor, batch_size=job.batch_size, features=self.features(job, predictor.manifest))

    def listeners(self, job: Job, package: Package) -> Listeners:
        """What a job does with the answers of a shard besides writing them.

        Raises:
            InputError: answers are precomputed, and there is no table for them.
            PackageError: rows are sampled, and the package's baseline is malformed.
        """
        makers: list[Callable[[Job, Shard], Listener]] = []
        if job.extras.precompute is not None:
            makers.append(self._precomputing(job, job.extras.precompute, package.manifest))
        if job.extras.sample > 0:
            version, entities = VersionBins.of(package), self._entities(job)
            makers.append(lambda job, shard: RecordingListener(version, job, shard, entities))
        return lambda job, shard: [make(job, shard) for make in makers]

    def _precomputing(self, job: Job, entity: str, manifest: Manifest) -> Callable[[Job, Shard], Listener]:
        if self.predictions_table is None:
            raise InputError.of("precompute", "there is no table of predictions: nothing is deployed")
        from slipway.aws.table import lazy_client
        from slipway.features.precomputed_table import WRITING, DynamoPrecomputed

        client = lazy_client(**self.options)
        store = DynamoPrecomputed(self.predictions_table, client=client, backoff=WRITING)
        return lambda _job, _shard: PrecomputingListener(manifest, entity, store, job.extras.ttl)

    def _entities(self, job: Job) -> tuple[str, ...]:
        """The entities that a row may name."""
        named = [group.entity for group in self.groups.values()]
        also = [name for name in (job.extras.precompute, job.extras.sampled_by) if name is not None]
        return tuple(dict.fromkeys([*named, *also]))

    def _reader(self, source: FeaturesFrom, definitions: FeatureDefinitions) -> FeatureReader:
        if source is FeaturesFrom.HISTORY:
            return HistoryReader(self._history_files(), definitions)
        if self.features_table is None:
            raise InputError.of("features", "there is no feature store: nothing is deployed")
        from slipway.aws.table import lazy_client
        from slipway.features.dynamodb import DynamoFeatureStore

        client = lazy_client(**self.options)
        return StoreReader(DynamoFeatureStore(self.features_table, definitions, client=client), definitions)

    def _history_files(self) -> HistoryFiles:
        if self.history is None:
            raise InputError.of("features", "there is no history: nothing is deployed, and no folder is named")
        if isinstance(self.history, Path):
            return HistoryFolder(self.history)
        from slipway.features.history.bucket import HistoryBucket
        from slipway.models.registry.bucket import s3_client

        return HistoryBucket(self.history, s3_client(**self.options))
