"""Of two runs of the monitor at once, one works."""

from datetime import timedelta

import pytest
from support.captures import HOUR, MemoryBucket

from slipway.monitoring.lease import Lease

MINUTE = timedelta(minutes=1)


def test_one_run_at_a_time_holds_the_lease() -> None:
    lease = Lease(MemoryBucket())
    with lease.held(HOUR, HOUR + 15 * MINUTE) as first:
        with lease.held(HOUR + MINUTE, HOUR + 16 * MINUTE) as second:
            assert (first, second) == (True, False)
        with lease.held(HOUR + 2 * MINUTE, HOUR + 17 * MINUTE) as third:
            assert not third
    with lease.held(HOUR + 3 * MINUTE, HOUR + 18 * MINUTE) as after:
        assert after


def test_a_lease_of_a_run_that_was_cut_off_ends() -> None:
    bucket = MemoryBucket()
    cut_off = Lease(bucket).held(HOUR, HOUR + 15 * MINUTE)
    assert cut_off.__enter__()
    with Lease(bucket).held(HOUR + 14 * MINUTE, HOUR + 20 * MINUTE) as early:
        assert not early
    with Lease(bucket).held(HOUR + 15 * MINUTE, HOUR + 20 * MINUTE) as later:
        assert later


def test_a_run_that_fails_gives_the_lease_back() -> None:
    bucket = MemoryBucket()
    with pytest.raises(ValueError, match="broken"), Lease(bucket).held(HOUR, HOUR + 15 * MINUTE):
        raise ValueError("broken")
    with Lease(bucket).held(HOUR + MINUTE, HOUR + 15 * MINUTE) as next_run:
        assert next_run


def test_of_two_runs_that_look_at_once_one_gets_it() -> None:
    class Racing(MemoryBucket):
        """Another run takes the lease between this one's look and its claim."""

        def replace(self, key: str, content: bytes, tag: str | None) -> bool:
            super().put(key, content + b" ")
            return super().replace(key, content, tag)

    with Lease(Racing()).held(HOUR, HOUR + 15 * MINUTE) as held:
        assert not held
