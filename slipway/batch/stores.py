"""Where a job reads features and writes precomputed answers; each worker opens its own clients on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.batch.features import FeatureReader, FeaturesFrom, HistoryReader, StoreReader
from slipway.batch.job import Job
from slipway.batch.row_features import RowFeatures
from slipway.batch.scoring import Scorer
from slipway.config import FeatureGroupConfig
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.files import HistoryFiles, HistoryFolder
from slipway.models.manifest import Manifest
from slipway.models.prediction.predictor import Predictor


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
