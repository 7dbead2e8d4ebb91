"""What is refused before a release begins."""

from datetime import UTC, datetime

import pytest

from slipway.config import parse_config
from slipway.errors import InputError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.request import ReleaseRequest, start_record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONFIG = """
models:
  churn: {{tier: {tier}, versions: [1, 2, 3], stable: 1}}
"""
FIELDS = {1: ("age", "plan", "customer"), 2: ("plan", "customer"), 3: ("text",)}


def start(tier: str, strategy: str, *versions: int, **changes: str) -> ReleaseRecord:
    request = ReleaseRequest("churn", versions, strategy, changes, "ann")
    config = parse_config(CONFIG.format(tier=tier))
    return start_record(config, request, stable=1, labels=(), fields=FIELDS.__getitem__, now=NOW)


@pytest.mark.parametrize("tier", ["light", "heavy"])
@pytest.mark.parametrize("strategy", ["ab", "bandit"])
def test_what_both_versions_take_can_be_sticky(tier: str, strategy: str) -> None:
    record = start(tier, strategy, 2, sticky="customer")
    assert record.serving.sticky == "customer"


def test_the_users_of_an_interleaving_can_be_named() -> None:
    assert start("light", "interleave", 2, sticky="customer").serving.sticky == "customer"
    with pytest.raises(InputError, match="sticky: 'user' is neither an input nor an entity"):
        start("light", "interleave", 2, sticky="user")


@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_what_no_request_can_send_is_refused_by_name(tier: str) -> None:
    with pytest.raises(
        InputError,
        match=r"sticky: 'user' is neither an input nor an entity of churn 1 and 2, .* takes is plan, customer",
    ):
        start(tier, "ab", 2, sticky="user")


def test_a_candidate_must_take_it_too() -> None:
    with pytest.raises(InputError, match="'age' is neither an input nor an entity of churn 2, "):
        start("light", "ab", 2, sticky="age")
    with pytest.raises(InputError, match=r"of churn 3, .*these versions share no field"):
        start("light", "ab", 3, sticky="plan")


def test_without_a_sticky_field_no_version_is_asked_what_it_takes() -> None:
    request = ReleaseRequest("churn", (2,), "ab", {}, "ann")
    config = parse_config(CONFIG.format(tier="light"))
    record = start_record(config, request, stable=1, labels=(), fields={}.__getitem__, now=NOW)
    assert record.serving.sticky is None


@pytest.mark.parametrize(
    ("capture", "labels", "says"),
    [
        ("", ("a", "b"), r"option\.metric: .*set `models\.churn\.capture\.sample`"),
        ("capture: {sample: 0.1}", (), "churn predicts no labels; measure `reward`"),
    ],
)
def test_accuracy_is_not_measured_where_no_label_would_count(capture: str, labels: tuple[str, ...], says: str) -> None:
    config = parse_config(f"models:\n  churn: {{versions: [1, 2], stable: 1, {capture}}}\n")
    request = ReleaseRequest("churn", (2,), "ab", {"metric": "accuracy"}, "ann")
    with pytest.raises(InputError, match=says):
        start_record(config, request, stable=1, labels=labels, fields=FIELDS.__getitem__, now=NOW)


def test_accuracy_is_measured_where_predictions_are_captured() -> None:
    config = parse_config("models:\n  churn: {versions: [1, 2], stable: 1, capture: {sample: 0.1}}\n")
    request = ReleaseRequest("churn", (2,), "ab", {"metric": "accuracy"}, "ann")
    record = start_record(config, request, stable=1, labels=("a", "b"), fields=FIELDS.__getitem__, now=NOW)
    assert record.options.strategy == "ab"


@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_any_number_of_shadows_needs_no_setting(tier: str) -> None:
    record = start(tier, "shadow", 2, 3, sample="0.25")
    assert (record.candidates, record.options.strategy) == ((2, 3), "shadow")


def test_what_runs_on_gpus_is_not_shadowed_on_processors() -> None:
    text = CONFIG.format(tier="heavy").replace(
        "stable: 1", "stable: 1, heavy: {compute: gpu, cpu: 3, memory_mb: 12000}"
    )
    text += "network: {nat_gateways: 1}\n"
    request = ReleaseRequest("churn", (2,), "shadow", {}, "ann")
    with pytest.raises(InputError, match="strategy: churn runs on GPUs, and shadows are scored on processors"):
        start_record(parse_config(text), request, stable=1, labels=(), fields=FIELDS.__getitem__, now=NOW)
