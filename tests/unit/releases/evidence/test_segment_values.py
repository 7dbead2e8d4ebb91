"""The values of segments are fixed when a release starts, and callers cannot add any."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.releases.records import NOW

from slipway.config import parse_config
from slipway.config.releases.segments import SegmentConfig
from slipway.errors import InputError
from slipway.models.measurements.baseline import category_of
from slipway.models.package import Package, load_package
from slipway.releases.evidence.segment_values import check_groups, name_segments
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.request import ReleaseRequest, start_record
from slipway.releases.routing.segments import Segment, Segmenting, dump_segmenting, load_segmenting

FOLDER = Path(__file__).parents[4] / "models/flight-delay/1"


@pytest.fixture(scope="module")
def package() -> Package:
    return load_package(FOLDER)


def named(package: Package | None, **wanted: Any) -> tuple[Segment, ...]:
    return name_segments([SegmentConfig.model_validate(wanted)], "flight-delay", package)


def test_the_most_frequent_values_of_the_baseline_are_named(package: Package) -> None:
    assert named(package, input="origin") == (Segment("origin", ("EWR", "JFK", "LGA")),)
    assert named(package, input="origin", most=2) == (Segment("origin", ("EWR", "JFK")),)


def test_values_of_a_text_that_repeats_are_in_the_baseline_too(package: Package) -> None:
    assert named(package, input="carrier", most=3) == (Segment("carrier", ("UA", "B6", "EV")),)


def test_values_can_be_named_in_place_of_the_frequent_ones(package: Package) -> None:
    assert named(package, input="carrier", values=("AA",)) == (Segment("carrier", ("AA",)),)
    assert named(None, input="carrier", values=("AA",)) == (Segment("carrier", ("AA",)),)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"input": "weekday"}, "weekday has no categories in the baseline of flight-delay 1"),
        ({"input": "carier"}, "'carier' is no input of flight-delay 1 .did you mean 'carrier'"),
        ({"input": "distance", "values": ("9.5",)}, "distance is a float"),
        ({"input": "origin", "values": ("JFK", "LAX")}, "'LAX' is no value of origin, which may be EWR, JFK, LGA"),
    ],
)
def test_what_is_not_known_is_refused(package: Package, wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        named(package, **wanted)


def test_without_the_package_the_values_must_be_named() -> None:
    with pytest.raises(InputError, match="its package is not here: name them in `values`"):
        named(None, input="origin")


def test_there_are_only_so_many_groups() -> None:
    segments = (Segment("origin", tuple(map(str, range(24)))), Segment("carrier", tuple(map(str, range(24)))))
    check_groups(segments, 4)
    with pytest.raises(InputError, match="are 250 groups in 5 versions, and a release has 200 at most"):
        check_groups(segments, 5)


@pytest.mark.parametrize(
    ("value", "group"), [("true", 0), (True, 0), (False, 2), ("7", 1), (7, 1), (None, 2), ("made up", 2)]
)
def test_a_record_is_in_the_group_of_its_value_or_among_the_others(value: Any, group: int) -> None:
    segment = Segment("field", ("true", "7"))
    assert segment.group_of({"field": value}) == group
    assert segment.group_of({}) == 2
    if value is not None and group < 2:
        assert category_of(value) == segment.values[group]


def test_the_others_have_no_value_in_their_name() -> None:
    assert [Segment("origin", ("JFK",)).name_of(group) for group in (0, 1)] == ["origin=JFK", "origin: other values"]


def test_what_processes_need_round_trips() -> None:
    segmenting = Segmenting("0a", (Segment("origin", ("JFK",)),), {1: (1.5, 9.0)}, ("late",), (2.5,))
    assert load_segmenting(dump_segmenting(segmenting)) == segmenting
    assert load_segmenting(dump_segmenting(replace(segmenting, latency={}))).latency == {}


CONFIG = "models: {flight-delay: {versions: [1, 2], stable: 1, release: {segments: [origin]}}}"


def start(package: Package, strategy: str, segments: tuple[SegmentConfig, ...] | None = None) -> ReleaseRecord:
    request = ReleaseRequest("flight-delay", (2,), strategy, {}, "ann", segments=segments)
    config = parse_config(CONFIG)
    return start_record(config, request, stable=1, labels=(), package=package, fields={}.__getitem__, now=NOW)


def test_the_segments_of_slipway_yaml_are_those_of_a_release_unless_it_names_others(package: Package) -> None:
    assert [each.input for each in start(package, "canary").segments] == ["origin"]
    other = (SegmentConfig(input="carrier", values=("AA",)),)
    assert [each.input for each in start(package, "canary", other).segments] == ["carrier"]


def test_strategies_without_a_candidate_beside_the_stable_version_have_none(package: Package) -> None:
    for strategy in ("shadow", "blue-green", "all-at-once"):
        assert start(package, strategy).segments == ()
        with pytest.raises(InputError, match="nothing to compare by segment"):
            start(package, strategy, (SegmentConfig(input="origin"),))
