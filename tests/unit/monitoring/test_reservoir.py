"""The reservoir: a uniform sample of whole captures, of bounded size, that adds up."""

from datetime import timedelta

from support.captures import HOUR, MemoryBucket, capture, prices

from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reservoir import (
    RECORD_BYTES,
    Reservoir,
    pack_reservoir,
    reservoir_key,
    reservoir_of,
    unpack_reservoir,
)
from slipway.monitoring.captures.reservoir_store import BucketReservoir, ReservoirStep
from slipway.monitoring.monitor import Monitor
from slipway.monitoring.schedule import Schedule

MODEL = "tiny-price"


def large(number: int, size: int = RECORD_BYTES) -> Capture:
    return capture(number, inputs={"text": "\u00e9" * (size // 2)}, outputs={"value": 1.0})


def test_the_sample_depends_on_no_order() -> None:
    captures = prices(500)
    sample = reservoir_of(captures, 20)
    assert reservoir_of(captures[250:] + captures[:250], 20) == reservoir_of(reversed(captures), 20) == sample
    assert (len(sample.captures), sample.drawn_from, sample.inclusion) == (20, 500, 0.04)


def test_samples_add_up_to_the_sample_of_both() -> None:
    first, second, third = prices(300), prices(40, first=300, minute=1), prices(5, first=900, minute=2)
    whole = reservoir_of([*first, *second, *third], 20)
    parts = [reservoir_of(each, 20) for each in (first, second, third)]
    assert parts[0] + parts[1] + parts[2] == parts[2] + (parts[1] + parts[0]) == whole
    assert parts[1] + Reservoir(20) == parts[1]


def test_what_fits_is_kept_whole_and_surely() -> None:
    sample = reservoir_of(prices(7), 20)
    assert (len(sample.captures), sample.inclusion) == (7, 1.0)
    assert reservoir_of([], 20).inclusion == 1.0
    assert reservoir_of(prices(7), 0).captures == ()


def test_every_capture_is_as_likely_as_any_other() -> None:
    """Of 200 sets of 50 captures, each position is drawn about as often; chi-squared with 49 degrees of freedom."""
    drawn = [0] * 50
    for number in range(200):
        captures = prices(50, first=number * 50)
        taken = {each.id for each in reservoir_of(captures, 10).captures}
        for position, each in enumerate(captures):
            drawn[position] += each.id in taken
    expected = 200 * 10 / 50
    assert sum((count - expected) ** 2 / (expected * 0.8) for count in drawn) < 85.4  # the 0.999 quantile


def test_a_capture_over_the_limit_is_left_out_whatever_its_draw() -> None:
    sample = reservoir_of([large(1), *prices(5, first=10)], 3)
    assert (sample.drawn_from, sample.too_large, len(sample.captures)) == (5, 1, 3)
    just = reservoir_of([large(1, RECORD_BYTES - 1000)], 3)
    assert (just.drawn_from, just.too_large) == (1, 0)


def test_a_file_says_how_it_was_drawn_and_is_always_the_same() -> None:
    captures = prices(50)
    content = pack_reservoir(reservoir_of(captures, 10))
    assert content == pack_reservoir(reservoir_of(reversed(captures), 10))
    drawn = unpack_reservoir(content)
    assert {(each.drawn_from, each.inclusion) for each in drawn} == {(50, 0.2)}
    assert [each.time for each in drawn] == sorted(each.time for each in drawn)
    by_id = {each.id: each for each in captures}
    assert all(each.inputs == by_id[each.id].inputs for each in drawn)


def filled(bucket: MemoryBucket, package: Package, *, size: int) -> None:
    """Run the monitor twice, after two periods have closed."""
    monitor = Monitor(
        Schedule((MODEL,), minutes=30, late_hours=2),
        bucket,
        packages=lambda _model, _version: package,
        tell=lambda _told: None,
        live=lambda _model: {1},
        steps=[ReservoirStep(BucketReservoir(bucket), {MODEL: size})],
    )
    for minute in (65, 66):
        assert monitor.run(HOUR + timedelta(minutes=minute)).problems == []


def test_the_monitor_fills_it_by_version_and_period(regression_package: Package) -> None:
    bucket = MemoryBucket()
    bucket.add([*prices(300), *prices(4, first=300, minute=30)])
    filled(bucket, regression_package, size=20)
    store = BucketReservoir(bucket)
    store.write(MODEL, 2, HOUR, reservoir_of(prices(30, first=400, version=2), 20))
    assert store.versions(MODEL) == [1, 2]
    assert reservoir_key(MODEL, 1, HOUR) in bucket.objects
    assert reservoir_key(MODEL, 1, HOUR) == (
        "reservoir/model=tiny-price/version=1/date=2026-11-21/hour=12/minute=00.jsonl.gz"
    )
    first = list(store.captures(MODEL, HOUR, HOUR + timedelta(minutes=30), version=1))
    assert (len(first), {each.drawn_from for each in first}) == (20, {300})
    every = list(store.captures(MODEL, HOUR - timedelta(days=1), HOUR + timedelta(days=1)))
    assert len(every) == 20 + 4 + 20
    assert list(store.captures(MODEL, HOUR + timedelta(hours=1), HOUR + timedelta(days=1))) == []
    assert list(store.captures("other", HOUR, HOUR + timedelta(days=1))) == []


def test_a_model_without_a_reservoir_has_none(regression_package: Package) -> None:
    bucket = MemoryBucket()
    bucket.add(prices(30))
    filled(bucket, regression_package, size=0)
    assert any(key.startswith("profiles/") for key in bucket.objects)
    assert not any(key.startswith("reservoir/") for key in bucket.objects)
