"""Files of an S3 bucket in all their versions, and conditional changes to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slipway.aws.clients import answered_by
from slipway.models.registry.bucket import s3_client

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

_NAME = "the bucket of captures"
_UNVERSIONED = "null"
_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"})  # the last is a delete marker's


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a file; in a bucket without versions, its only one."""

    key: str
    version: str
    is_latest: bool
    modified: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file, and the tag that tells whether it was changed since."""

    content: bytes
    tag: str


class VersionedFiles:
    """The files of a bucket. Every method raises UnavailableError if S3 cannot be reached or refuses the call."""

    def __init__(self, name: str, *, client: "S3ClientFactory | None" = None) -> None:
        self._name = name
        self._client = client or s3_client()

    def listing(self, prefix: str) -> Iterator[FileVersion]:
        """Yield the files whose keys begin with ``prefix`` in the order of their keys, each in all its versions."""
        with answered_by(_NAME):
            pages = self._client().get_paginator("list_object_versions").paginate(Bucket=self._name, Prefix=prefix)
            for page in pages:
                for each in page.get("Versions", ()):
                    yield FileVersion(each["Key"], each["VersionId"], each["IsLatest"], each["LastModified"])

    def read(self, file: FileVersion) -> Content | None:
        """The content of the latest or an older version, or None if it is gone."""
        older = {} if file.is_latest else {"VersionId": file.version}
        client: Any = self._client()
        with answered_by(_NAME):
            try:
                answer = client.get_object(Bucket=self._name, Key=file.key, **older)
                return Content(answer["Body"].read(), answer["ETag"])
            except client.exceptions.ClientError as error:
                if _code(error) in _GONE:
                    return None
                raise

    def replace(self, file: FileVersion, content: bytes, tag: str) -> bool:
        """Store new content if the file is still as it was read, and delete the version that it replaces."""
        client: Any = self._client()
        with answered_by(_NAME):
            try:
                answer = client.put_object(
                    Bucket=self._name, Key=file.key, Body=content, ContentType="application/gzip", IfMatch=tag
                )
            except client.exceptions.ClientError as error:
                if _code(error) in _CHANGED:
                    return False
                raise
        # Without versions, the new content has taken the place of the old.
        if answer.get("VersionId", _UNVERSIONED) != _UNVERSIONED:
            self.delete(file)
        return True

    def delete(self, file: FileVersion) -> None:
        """Delete one version for good."""
        with answered_by(_NAME):
            self._client().delete_object(Bucket=self._name, Key=file.key, VersionId=file.version)


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])
