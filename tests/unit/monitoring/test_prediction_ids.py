import pytest

from slipway.errors import InputError
from slipway.monitoring.feedback.prediction_ids import (
    PredictionId,
    new_random,
    parse_prediction_id,
    release_tag,
    with_bucket,
)
from slipway.releases.routing.buckets import BUCKETS

TAG = release_tag("a release")


def test_what_is_made_can_be_parsed() -> None:
    made = PredictionId("tweet-sentiment", 12, new_random())
    assert parse_prediction_id(str(made)) == made


@pytest.mark.parametrize(
    ("item", "release", "end"), [(0, "", ".0"), (127, release_tag("r"), f".127.{release_tag('r')}")]
)
def test_an_item_of_a_ranking_says_its_place_and_release(item: int, release: str, end: str) -> None:
    made = PredictionId("search", 2, new_random(), item, release)
    assert str(made).endswith(end)
    assert parse_prediction_id(str(made)) == made


def test_random_parts_differ() -> None:
    assert len({new_random() for _ in range(1000)}) == 1000


def test_an_id_has_a_bucket_only_if_it_was_given_one() -> None:
    assert {PredictionId("m", 1, new_random()).bucket for _ in range(1000)} == {None}
    for bucket in (0, 1, BUCKETS - 1):
        made = PredictionId("m", 1, with_bucket(new_random(), bucket))
        assert parse_prediction_id(str(made)).bucket == bucket


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "m.1",
        "m.1." + "0" * 23,
        "m.1." + "0" * 25,
        "m.1." + "G" * 24,
        "m.1." + "A" * 24,
        "m.0." + "0" * 24,
        "m.01." + "0" * 24,
        "m.-1." + "0" * 24,
        "M.1." + "0" * 24,
        "m#x.1." + "0" * 24,
        "m.1.1." + "0" * 24,
        "m.1." + "0" * 24 + ".",
        "m.1." + "0" * 24 + ".01",
        "m.1." + "0" * 24 + ".1000",
        "m.1." + "0" * 24 + ".1." + "0" * 7,
        "m.1." + "0" * 24 + ".1." + "0" * 8 + ".1",
        "m.1." + "0" * 24 + ".." + "0" * 8,
        "m.1." + "0" * 24 + "\n",
        "m.1." + "0" * 24 + "-",
        "m.1." + "0" * 24 + "-" + "0" * 19,
        "m.1." + "0" * 24 + "-" + "0" * 21,
        "m.1." + "0" * 24 + "-" + "G" * 20,
        "m.\u0661." + "0" * 24,
        "m" * 49 + ".1." + "0" * 24,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="prediction_id"):
        parse_prediction_id(text)
