"""Where the files of a job lie in S3."""

import re
from dataclasses import dataclass
from typing import Self

from slipway.errors import InputError

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


def is_address(text: str) -> bool:
    """Whether a text names a place in S3 and not on this machine."""
    return text.startswith("s3://")


@dataclass(frozen=True, slots=True)
class Place:
    """An object of a bucket, or all that lies below a prefix."""

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, address: str, *, field: str = "address") -> Self:
        """Parse ``s3://bucket/key``; raises InputError, which names the field."""
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise InputError.of(field, f"{address!r} must be s3://BUCKET/PREFIX")
        return cls(found[1], found[2] or "")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        """The prefix of what lies below: it ends with a slash, or is empty for the whole bucket."""
        return self.key if not self.key or self.key.endswith("/") else f"{self.key}/"

    def is_within(self, other: "Place") -> bool:
        """Whether this place lies below another one, or is the same."""
        return self.bucket == other.bucket and self.folder.startswith(other.folder)
