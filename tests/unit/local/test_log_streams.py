"""Log groups are described while functions write to them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import AccountRegionScopedDict, request_scope
from ministack.services import cloudwatch_logs

from local.emulator import log_streams
from local.environment.settings import ACCOUNT, REGION

NAME = "/aws/lambda/predict"


class Busy(list[Any]):
    """Lines, of which another stream is added whenever they are read."""

    def __init__(self, streams: dict[str, Any], *lines: str) -> None:
        super().__init__({"message": line} for line in lines)
        self._streams = streams

    def __iter__(self) -> Iterator[Any]:
        self._streams[f"call {len(self._streams)}"] = {"events": []}
        return super().__iter__()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountRegionScopedDict]:
    """The log groups of MiniStack, none yet."""
    monkeypatch.setattr(cloudwatch_logs, "_log_groups", AccountRegionScopedDict())
    log_streams.install()
    with request_scope(ACCOUNT, REGION):
        yield cloudwatch_logs._log_groups


def test_a_group_that_is_written_to_is_described(groups: AccountRegionScopedDict) -> None:
    groups[NAME] = {"arn": "arn", "creationTime": 0, "streams": {}}
    streams = groups[NAME]["streams"]
    for number in range(3):
        streams[str(number)] = {"events": Busy(streams, "four")}

    status, _, body = cloudwatch_logs._describe_log_groups({})

    assert status == 200
    assert [group["storedBytes"] for group in json.loads(body)["logGroups"]] == [12]
    assert len(streams) == 6


def test_a_stream_that_is_added_later_is_there(groups: AccountRegionScopedDict) -> None:
    groups[NAME] = {"streams": {"first": 1}}
    groups[NAME]["streams"]["second"] = 2

    assert groups[NAME]["streams"].items() == [("first", 1), ("second", 2)]
    assert groups[NAME]["streams"].values() == [1, 2]
