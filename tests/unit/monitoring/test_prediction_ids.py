import pytest

from slipway.errors import InputError
from slipway.monitoring.prediction_ids import PredictionId, new_random, parse_prediction_id


def test_what_is_made_can_be_parsed() -> None:
    made = PredictionId("tweet-sentiment", 12, new_random())
    assert parse_prediction_id(str(made)) == made


def test_random_parts_differ() -> None:
    assert len({new_random() for _ in range(1000)}) == 1000


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
        "m.1." + "0" * 24 + "\n",
        "m.\u0661." + "0" * 24,
        "m" * 49 + ".1." + "0" * 24,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="prediction_id"):
        parse_prediction_id(text)
