"""What the monitor does with closed periods: drift, accuracy, reservoirs and skew, as slipway.yaml has them."""

from collections.abc import Sequence

from functions.monitor.settings import Settings
from slipway.aws.table import DynamoTable
from slipway.config import Config
from slipway.features.history.bucket import HistoryBucket
from slipway.models.package import Package
from slipway.models.registry.bucket import s3_client
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.accuracy.limits import AccuracyLimits
from slipway.monitoring.accuracy.normal import BucketNormals
from slipway.monitoring.accuracy.score_sums import score_summing
from slipway.monitoring.accuracy.step import AccuracyStep
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.reservoir_store import BucketReservoir, ReservoirStep
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.skew.step import SkewStep, recent_timelines
from slipway.monitoring.steps import Step, Summing, SummingOf


def steps_of(settings: Settings, config: Config, bucket: CaptureBucket, labels: DynamoLabelled) -> list[Step]:
    """The steps of every captured model."""
    captured = sorted(config.captured_models)
    sizes = {model: config.models[model].capture.reservoir for model in captured}
    steps: list[Step] = [
        DriftStep({model: config.drift_of(model) for model in captured}, BucketReferences(settings.captures)),
        AccuracyStep(lambda model: AccuracyLimits.of(config, model), labels, BucketNormals(bucket)),
        ReservoirStep(BucketReservoir(bucket), sizes),
    ]
    if config.recorded_groups and settings.history is not None:
        files = HistoryBucket(settings.history, s3_client(region_name=settings.region))
        steps.append(SkewStep(config.features, recent_timelines(files)))
    return steps


def labels_of(settings: Settings) -> DynamoLabelled:
    """What reads the true answers of captures."""
    return DynamoLabelled(DynamoTable(settings.control_table, dependency="control table"))


def sums_of(config: Config) -> SummingOf:
    """What profiles add up for the accuracy of a version, by the segments of its model."""

    def sums(package: Package) -> Sequence[Summing]:
        return score_summing(package, config.models[package.manifest.name].release.segments)

    return sums
