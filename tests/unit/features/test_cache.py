"""Cache keys are equal in every process, and differ wherever predictions may."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.features.cache import cache_key

RECORD = {"text": "Grüße 🚢", "length": 3, "share": 0.5, "new": True}
KEY = "tweet-sentiment#37162186c4e01c743a0d4dc65e484bb608abb74a1a1c492d6f538a712bbce3c6"


def test_the_key_is_the_same_today_and_in_another_process() -> None:
    assert cache_key("tweet-sentiment", 2, RECORD) == KEY
    code = "import sys, json; from slipway.features.cache import cache_key; print(cache_key(*json.loads(sys.argv[1])))"
    arguments = json.dumps(["tweet-sentiment", 2, dict(reversed(RECORD.items()))])
    done = subprocess.run([sys.executable, "-c", code, arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == KEY


@pytest.mark.parametrize(
    ("model", "version", "record"),
    [
        ("tweet-sentiment", 1, RECORD),
        ("tweet-sentimen", 2, RECORD),
        ("tweet-sentiment", 2, {**RECORD, "length": 3.0}),
        ("tweet-sentiment", 2, {**RECORD, "new": 1}),
        ("tweet-sentiment", 2, {**RECORD, "new": "true"}),
        ("tweet-sentiment", 2, {**RECORD, "share": 0.5000000000000001}),
        ("tweet-sentiment", 2, {**RECORD, "other": ""}),
    ],
)
def test_whatever_differs_makes_another_key(model: str, version: int, record: dict[str, str | float]) -> None:
    assert cache_key(model, version, record) != KEY


def test_no_record_holds_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        cache_key("m", 1, {"x": float("nan")})


VALUES = st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
RECORDS = st.dictionaries(st.text(), VALUES, max_size=4)


@given(RECORDS, RECORDS)
def test_keys_agree_exactly_where_records_do(one: dict[str, float], other: dict[str, float]) -> None:
    same = {name: repr(value) for name, value in one.items()} == {name: repr(value) for name, value in other.items()}
    assert (cache_key("m", 1, one) == cache_key("m", 1, other)) is same
