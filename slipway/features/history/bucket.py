"""The files of a history in an S3 bucket."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from slipway.aws.clients import answered_by
from slipway.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_DEPENDENCY = "the bucket of feature histories"
_DELETED_PER_CALL = 1000  # the limit of DeleteObjects


class HistoryBucket:
    """`HistoryFiles` in a bucket; ``client`` gives the client on its first use."""

    def __init__(self, name: str, client: "Callable[[], S3Client]") -> None:
        self._name = name
        self._client = client

    def keys(self, prefix: str) -> list[str]:
        with answered_by(_DEPENDENCY):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def read(self, key: str) -> bytes:
        with answered_by(_DEPENDENCY):
            return self._client().get_object(Bucket=self._name, Key=key)["Body"].read()

    def put(self, key: str, content: bytes) -> None:
        kind = "application/gzip" if key.endswith(".gz") else "application/vnd.apache.parquet"
        with answered_by(_DEPENDENCY):
            self._client().put_object(Bucket=self._name, Key=key, Body=content, ContentType=kind)

    def delete(self, keys: Collection[str]) -> None:
        names = sorted(keys)
        for start in range(0, len(names), _DELETED_PER_CALL):
            self._delete(names[start : start + _DELETED_PER_CALL])

    def _delete(self, names: list[str]) -> None:
        with answered_by(_DEPENDENCY):
            answer = self._client().delete_objects(
                Bucket=self._name, Delete={"Objects": [{"Key": name} for name in names], "Quiet": True}
            )
        for error in answer.get("Errors", ()):
            raise UnavailableError(_DEPENDENCY, f"{error.get('Key')} was not deleted: {error.get('Message')}")
