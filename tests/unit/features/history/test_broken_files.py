"""Files that are no history are refused by name, by joins and by replays."""

import gzip
from pathlib import Path

import pytest

from slipway.config import FeatureConfig, FeatureType
from slipway.errors import InputError
from slipway.features.history.arrow import read_history
from slipway.features.history.files import HistoryFolder
from slipway.features.history.lookup import Lookup, read_timelines

KEY = "history/group=g/lines/date=2026-11-21/rows.jsonl.gz"
FEATURES = {"count": FeatureConfig(type=FeatureType.INTEGER)}
WHOLE = (
    b'{"entity":"user","id":"u","change":"write","written_at":1,"event_time":1,"expires_at":null,"sequence":"1",'
    b'"features":{"count":1}}\n'
)


def broken() -> dict[str, bytes]:
    return {
        "cut off": gzip.compress(WHOLE)[:-9],
        "not gzip": WHOLE,
        "no JSON": gzip.compress(WHOLE.replace(b"}}", b"}")),
        "another type": gzip.compress(WHOLE.replace(b'"count":1', b'"count":"one"')),
    }


@pytest.mark.parametrize("kind", broken())
def test_a_join_refuses_a_broken_file_by_name(kind: str, tmp_path: Path) -> None:
    files = HistoryFolder(tmp_path)
    files.put(KEY, broken()[kind])
    with pytest.raises(InputError, match=r"rows\.jsonl\.gz"):
        read_history(files, "g", FEATURES)


@pytest.mark.parametrize("kind", ["cut off", "not gzip", "no JSON"])
def test_a_replay_refuses_a_broken_file_by_name(kind: str, tmp_path: Path) -> None:
    files = HistoryFolder(tmp_path)
    files.put(KEY, broken()[kind])
    with pytest.raises(InputError, match=r"rows\.jsonl\.gz"):
        read_timelines(files, "g", Lookup({"u"}))


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    files = HistoryFolder(tmp_path)
    files.put(KEY, gzip.compress(WHOLE))
    assert read_history(files, "g", FEATURES).num_rows == 1
    assert read_timelines(files, "g", Lookup({"u"}))["g", "u"].rows[0].values == {"count": 1}
    assert read_timelines(files, "g", Lookup({"v"})) == {}
