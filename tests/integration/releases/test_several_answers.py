"""From requests to the evidence of a release: a multi-label record counts once in the share of each of its labels."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fakes.features import MemoryFeatureStore
from fakes.feedback import MemoryFeedbackStore
from fakes.releases import MemoryReleaseStore
from support.releases.records import make_release, with_traffic
from support.serving import Api
from support.several import LABELS, make_labels_package, make_values_package

from slipway.config import parse_config
from slipway.features.definitions import FeatureDefinitions
from slipway.models.bundle import load_models
from slipway.models.package import load_package
from slipway.releases.evidence.cloudwatch import CloudWatchEvidence
from slipway.releases.evidence.outputs import Outputs
from slipway.releases.evidence.tallies import Tally, label_key, target_key
from slipway.serving.prediction.live_releases import LiveReleases

OPTIONS = {"region_name": "eu-west-1"}
CONFIG = """
project: demo
api: {authorization: none}
models:
  tiny-labels: {versions: [1, 2], stable: 1}
  tiny-values: {versions: [1, 2], stable: 1}
"""
ROWS = [{"a": 2.0, "b": 1.0}, {"a": 1.0, "b": 2.0}, {"a": -3.0, "b": -2.0}, {"a": -2.0, "b": 1.0}]


def extract(cloudwatch: Any, line: Mapping[str, Any], at: datetime) -> None:
    """Do what CloudWatch does with a line in the embedded metric format."""
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
        for names in directive["Dimensions"]:
            dimensions = [{"Name": name, "Value": line[name]} for name in names]
            for metric in directive["Metrics"]:
                found = line[metric["Name"]]
                values = found if isinstance(found, list) else [found]
                data = [
                    {"MetricName": metric["Name"], "Dimensions": dimensions, "Value": value, "Timestamp": at}
                    for value in values
                ]
                cloudwatch.put_metric_data(Namespace=directive["Namespace"], MetricData=data)


def evidence(cloudwatch: Any, root: Path, model: str) -> Mapping[int, Mapping[str, Tally]]:
    """The arms of a release in a minute in which each version answered each row in a request of its own."""
    config = parse_config(CONFIG)
    outputs = Outputs.of(load_package(root / "models" / model / "1"))
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    made = make_release(model, labels=outputs.labels, target_limits=outputs.target_limits)
    release = with_traffic(made, minute)
    store = MemoryReleaseStore()
    store.start(release)
    api = Api(config, load_models(config, root), MemoryFeatureStore(FeatureDefinitions({})))
    with api.client(releases=LiveReleases(config, store)) as client:
        for version in (1, 2):
            for row in ROWS:
                answer = client.post(f"/v1/models/{model}/versions/{version}/predict", json={"inputs": [row]})
                assert answer.status_code == 200
    for line in api.lines():
        extract(cloudwatch, line, minute)
    reader = CloudWatchEvidence("demo", MemoryFeedbackStore(), OPTIONS)
    record = release.model_copy(update={"judged_until": minute})
    return reader.windows(record, minute + timedelta(minutes=2))[0].arms


def test_the_share_of_records_with_each_label(cloudwatch: Any, tmp_path: Path) -> None:
    make_labels_package(tmp_path / "models/tiny-labels/1")
    strict = {"labels": list(LABELS), "multi_label": True, "thresholds": {"urgent": 0.8}}
    make_labels_package(tmp_path / "models/tiny-labels/2", version=2, outputs=strict)

    arms = evidence(cloudwatch, tmp_path, "tiny-labels")

    shares = {version: {label: arms[version][label_key(label)] for label in LABELS} for version in (1, 2)}
    assert shares[1] == {"billing": Tally(4, 2), "urgent": Tally(4, 3), "spam mail": Tally(4, 1)}
    assert shares[2] == {"billing": Tally(4, 2), "urgent": Tally(4, 1), "spam mail": Tally(4, 1)}
    assert arms[2]["errors"].total == 0
    assert "score" not in arms[2]


def test_each_target_is_counted_over_limits_of_its_own_on_both_sides_of_zero(cloudwatch: Any, tmp_path: Path) -> None:
    for version in (1, 2):
        make_values_package(tmp_path / f"models/tiny-values/{version}", version=version)
    limits = Outputs.of(load_package(tmp_path / "models/tiny-values/1")).target_limits

    arms = evidence(cloudwatch, tmp_path, "tiny-values")

    # The width is 2a, and the height is b - a.
    predicted = {"width": (4.0, 2.0, -6.0, -4.0), "height (cm)": (-1.0, 1.0, 1.0, 3.0)}
    assert set(limits) == set(predicted)
    over = {
        target_key(target, limit): Tally(4, sum(value > limit for value in predicted[target]))
        for target, of_target in limits.items()
        for limit in of_target
    }
    assert len(over) > 2
    assert arms == {version: {"errors": Tally(4, 0), **over} for version in (1, 2)}
