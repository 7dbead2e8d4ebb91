"""The monitor through the embedded AWS: captures of both tiers become profiles, by the clock."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.environment.state import State
from slipway.models.registry.bucket import s3_client
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.lease import Lease
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.profiles.store import BucketProfiles

SECONDS = 300.0
HOUR = timedelta(hours=1)
TWEETS = [{"text": f"Tweet number {number} of a lovely morning!"} for number in range(20)]


@pytest.fixture(scope="module")
def bucket(running: State, outputs: dict[str, str]) -> CaptureBucket:
    keys = running.credentials
    client = s3_client(
        endpoint_url=running.emulator,
        region_name=running.region,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    return CaptureBucket(outputs["CaptureBucket"], client=client)


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return found


def profiles(bucket: CaptureBucket, model: str) -> list[Profile]:
    store, now = BucketProfiles(bucket), datetime.now(UTC)
    numbers = store.versions(model, now - HOUR, now)
    return [each for number in numbers for each in store.read(model, number, now - HOUR, now)]


@pytest.mark.parametrize("model", ["tweet-sentiment", "tweet-sentiment-large"])
def test_captures_become_profiles_by_the_minute(api: httpx.Client, bucket: CaptureBucket, model: str) -> None:
    def captured() -> list[Any]:
        for _ in range(5):
            assert api.post(f"/v1/models/{model}/predict", json={"inputs": TWEETS}).status_code == 200
        return list(CaptureReader(bucket).captures(model, datetime.now(UTC) - HOUR, datetime.now(UTC) + HOUR))

    until(captured)

    def complete() -> bool:
        """Every capture that is in the bucket has been counted; none is on its way any more."""
        stored = captured_now()
        return bool(stored) and sum(each.records for each in profiles(bucket, model)) == stored

    def captured_now() -> int:
        now = datetime.now(UTC)
        return sum(1 for _ in CaptureReader(bucket).captures(model, now - HOUR, now + HOUR))

    until(complete)
    made = profiles(bucket, model)
    assert {each.minutes for each in made} == {1}
    for each in made:
        assert sum(each.counts["outputs.label"]) == each.records
        assert sum(each.counts["inputs.text.characters"]) == each.records


def test_two_runs_at_once_are_one(aws: Any, outputs: dict[str, str], bucket: CaptureBucket) -> None:
    lambda_ = aws("lambda")

    def run() -> dict[str, Any]:
        answer = lambda_.invoke(FunctionName=outputs["MonitorFunction"], Qualifier="live", Payload=b"{}")
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, found
        return found

    def held() -> bool:
        """The clock's own run may hold it for a moment."""
        now = datetime.now(UTC)
        with Lease(bucket).held(now, now + HOUR) as is_held:
            if is_held:
                assert run()["skipped"]
            return is_held

    until(held)
