"""Segments in slipway.yaml."""

import pytest

from slipway.config import parse_config
from slipway.config.releases.segments import SegmentConfig
from slipway.errors import ConfigError


def segments_of(text: str) -> tuple[SegmentConfig, ...]:
    return (
        parse_config(f"models: {{m: {{versions: [1], stable: 1, release: {{segments: {text}}}}}}}")
        .models["m"]
        .release.segments
    )


def test_the_name_of_an_input_is_enough() -> None:
    assert segments_of("[origin, {input: carrier, values: [AA, UA]}]") == (
        SegmentConfig(input="origin", most=10),
        SegmentConfig(input="carrier", values=("AA", "UA")),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[origin, origin]", "names an input twice"),
        ("[a, b, c, d, e, f]", "at most 5 items"),
        ("[{input: carrier, values: [AA, AA]}]", "names a value twice"),
        ("[{input: carrier, most: 51}]", "must be at most 50"),
        ("[{name: carrier}]", "is not a known field"),
    ],
)
def test_what_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        segments_of(text)
