"""Objects of the bucket of captures: capture files, and the profiles and state that the monitor keeps beside them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from slipway.aws.clients import answered_by
from slipway.models.registry.bucket import s3_client

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

_NAME = "the bucket of captures"


class ObjectBucket(Protocol):
    """A bucket of small objects. Every method raises UnavailableError if it cannot be reached or refuses the call."""

    def put(self, key: str, content: bytes, *, content_type: str = ...) -> None:
        """Store an object in place of the one with its key."""
        ...

    def get(self, key: str) -> bytes | None:
        """The content of an object, or None if there is none."""
        ...

    def open(self, key: str) -> BinaryIO | None:
        """The content of an object as a stream that the caller closes, or None if there is none."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with ``prefix``, in order."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """What keys have from their beginning to the first ``/`` after ``prefix``, in order and each once."""
        ...


class CaptureBucket:
    """The `ObjectBucket` of an S3 bucket."""

    def __init__(self, name: str, *, client: "S3ClientFactory | None" = None) -> None:
        self._name = name
        self._client = client or s3_client()

    def put(self, key: str, content: bytes, *, content_type: str = "application/gzip") -> None:
        with answered_by(_NAME):
            self._client().put_object(Bucket=self._name, Key=key, Body=content, ContentType=content_type)

    def get(self, key: str) -> bytes | None:
        stream = self.open(key)
        if stream is None:
            return None
        with answered_by(_NAME), stream:
            return stream.read()

    def open(self, key: str) -> BinaryIO | None:
        client = self._client()
        with answered_by(_NAME):
            try:
                body = client.get_object(Bucket=self._name, Key=key)["Body"]
            except client.exceptions.NoSuchKey:
                return None
        return cast("BinaryIO", body)

    def keys(self, prefix: str) -> Iterator[str]:
        with answered_by(_NAME):
            for page in self._client().get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", ()))

    def folders(self, prefix: str) -> Iterator[str]:
        with answered_by(_NAME):
            pages = (
                self._client()
                .get_paginator("list_objects_v2")
                .paginate(Bucket=self._name, Prefix=prefix, Delimiter="/")
            )
            for page in pages:
                yield from (found["Prefix"] for found in page.get("CommonPrefixes", ()))
