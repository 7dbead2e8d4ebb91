"""Objects of the bucket of captures: capture files, and the profiles and state that the monitor keeps beside them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from slipway.aws.clients import answered_by
from slipway.models.registry.bucket import s3_client

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

_NAME = "the bucket of captures"
# S3 answers the second while another conditional write of the object is under way, and the third if it was deleted.
_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


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

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        """The content of an object and the tag of this content, or None if there is none."""
        ...

    def replace(self, key: str, content: bytes, tag: str | None) -> bool:
        """Store an object if it still has ``tag``, or with None, if there is none; returns whether it was stored."""
        ...

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """The keys that begin with ``prefix`` and come after ``after``, in order."""
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

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        client = self._client()
        with answered_by(_NAME):
            try:
                found = client.get_object(Bucket=self._name, Key=key)
            except client.exceptions.NoSuchKey:
                return None
            return found["Body"].read(), found["ETag"]

    def replace(self, key: str, content: bytes, tag: str | None) -> bool:
        client = self._client()
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        with answered_by(_NAME):
            try:
                client.put_object(Bucket=self._name, Key=key, Body=content, ContentType="application/json", **condition)
            except client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] in _CHANGED:
                    return False
                raise
        return True

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        paginator = self._client().get_paginator("list_objects_v2")
        with answered_by(_NAME):
            for page in paginator.paginate(Bucket=self._name, Prefix=prefix, StartAfter=after):
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
