"""Lets one run of the monitor at a time work: a lease in the bucket, which S3's conditional writes give to one run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.state import MONITORING

_KEY = f"{MONITORING}/lease.json"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run until a time at which the run has ended for certain, since Lambda stops it."""

    bucket: ObjectBucket

    @contextmanager
    def held(self, now: datetime, until: datetime) -> Iterator[bool]:
        """Whether the block may run; another run may from its end on, or from ``until`` if it is cut off.

        Raises:
            UnavailableError: the bucket cannot be reached.
        """
        found = self.bucket.tagged(_KEY)
        if found is not None and _end(found[0]) > now:
            yield False
            return
        if not self.bucket.replace(_KEY, _content(until), found and found[1]):
            yield False
            return
        try:
            yield True
        finally:
            self.bucket.put(_KEY, _content(now), content_type="application/json")


def _content(until: datetime) -> bytes:
    return json.dumps({"until": until.isoformat()}).encode()


def _end(content: bytes) -> datetime:
    return datetime.fromisoformat(json.loads(content)["until"])
