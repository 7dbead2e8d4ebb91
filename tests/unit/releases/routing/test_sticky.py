"""The names that may be sticky: inputs, the entities of features, and the entity that slipway.yaml names."""

from pathlib import Path

from support.packages import make_text_package

from slipway.config import parse_config
from slipway.models.package import Package
from slipway.releases.routing.sticky import sendable

FEATURES = """
features:
  tumour: {entity: patient, features: {radius: {type: float}, smooth: {type: float}}}
"""


def test_an_entity_of_slipway_yaml_can_be_sent_and_so_be_sticky(tmp_path: Path, tabular_package: Package) -> None:
    text = make_text_package(tmp_path / "tiny-sentiment")
    plain = parse_config("models: {tiny-sentiment: {versions: [1], stable: 1}}" + FEATURES)
    assert sendable(text.manifest, plain) == ("text",)
    named = parse_config("models: {tiny-sentiment: {versions: [1], stable: 1, capture: {entity: user}}}" + FEATURES)
    assert sendable(text.manifest, named) == ("text", "user")
    assert "patient" in sendable(tabular_package.manifest, named)
