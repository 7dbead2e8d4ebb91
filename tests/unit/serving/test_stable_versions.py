"""Commands, jobs and runs take the version that the API serves: `stable_of` and `LiveReleases` say the same."""

from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from support.releases.records import make_release

from slipway.config import parse_config
from slipway.releases.record.phases import Phase
from slipway.releases.routing.serving_table import stable_of, stable_versions
from slipway.serving.prediction.live_releases import LiveReleases

MODEL = "tiny-sentiment"
DEPLOYED = "{versions: [1, 2], stable: 1}"
RETRAINED = "{versions: [1], stable: 1, training: 'recipe:train'}"
PROMOTED = {"phase": Phase.PROMOTED, "winner": 2, "settled": True}


def store_of(**changes: Any) -> MemoryReleaseStore:
    """A store with a release of version 2 over version 1."""
    store = MemoryReleaseStore()
    store.save(store.start(make_release(MODEL)).model_copy(update=changes))
    return store


@pytest.mark.parametrize(
    ("model", "changes", "version"),
    [
        (DEPLOYED, {"phase": Phase.RUNNING, "shares": (1.0,)}, 1),
        (DEPLOYED, {"phase": Phase.ROLLED_BACK, "settled": True}, 1),
        (DEPLOYED, PROMOTED, 2),
        ("{versions: [1, 2], stable: 2}", {"phase": Phase.ROLLED_BACK, "settled": True}, 1),
        (RETRAINED, PROMOTED, 2),
        ("{versions: [1], stable: 1}", PROMOTED, 1),  # a later slipway.yaml has no version 2, so functions serve 1
        ("{versions: [3], stable: 3}", PROMOTED, 3),
    ],
)
def test_the_version_is_the_one_that_functions_serve(model: str, changes: dict[str, Any], version: int) -> None:
    config, store = parse_config(f"models: {{{MODEL}: {model}}}"), store_of(**changes)
    assert stable_of(store, config, MODEL) == version
    assert LiveReleases(config, store).of(MODEL).stable == version


def test_a_slot_serves_what_was_recorded() -> None:
    config = parse_config(f"models: {{{MODEL}: {{tier: heavy, versions: [1], stable: 1}}}}")
    assert stable_of(store_of(**PROMOTED), config, MODEL) == 2


def test_a_model_that_was_never_released_has_the_version_of_slipway_yaml() -> None:
    config = parse_config(f"models: {{{MODEL}: {DEPLOYED}, other: {DEPLOYED}}}")
    assert stable_versions(store_of(**PROMOTED), config, config.models) == {MODEL: 2, "other": 1}
