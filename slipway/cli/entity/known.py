"""What is stored of an entity: its captured predictions with their labels, and its features now."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.cli.entity.target import EntityTarget
from slipway.features.store import FeatureKey, FeatureRow
from slipway.monitoring.entities.life import Chapter


@dataclass(frozen=True, slots=True)
class Known:
    """The predictions in the order of time, and the features by group."""

    chapters: list[Chapter]
    features: Mapping[FeatureKey, FeatureRow]


def read_known(target: EntityTarget, model: str | None, limit: int) -> Known:
    """The newest ``limit`` captured predictions, of all models or one, and the features; raises UnavailableError."""
    from slipway.aws.table import DynamoTable, lazy_client  # boto3 takes a quarter of a second to import
    from slipway.features.definitions import FeatureDefinitions
    from slipway.features.dynamodb import DynamoFeatureStore
    from slipway.monitoring.entities.index_table import DynamoEntityIndex
    from slipway.monitoring.entities.life import DynamoFeedbackReader, life_of

    deployed, subject = target.deployed, target.subject
    client = lazy_client(**deployed.options)
    control = deployed.output("ControlTable")
    index = DynamoEntityIndex(control, client=client)
    feedback = DynamoFeedbackReader(DynamoTable(control, dependency="feedback store", client=client))
    chapters = life_of(subject, index, feedback, model=model, limit=limit)
    definitions = FeatureDefinitions(target.config.features)
    store = DynamoFeatureStore(deployed.output("FeaturesTable"), definitions, client=client)
    features = store.read(FeatureKey(subject.entity, subject.id, group) for group in target.groups)
    return Known(chapters, features)
