"""Stores capture files in an S3 bucket."""

from typing import TYPE_CHECKING

from slipway.aws.clients import answered_by
from slipway.models.registry.bucket import s3_client

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory


class CaptureBucket:
    """A bucket of capture files; a file with an existing key replaces the old one."""

    def __init__(self, name: str, *, client: "S3ClientFactory | None" = None) -> None:
        self._name = name
        self._client = client or s3_client()

    def put(self, key: str, content: bytes) -> None:
        """Store a file of compressed JSON lines.

        Raises:
            UnavailableError: S3 cannot be reached or refuses the call.
        """
        with answered_by("the bucket of captures"):
            self._client().put_object(Bucket=self._name, Key=key, Body=content, ContentType="application/gzip")
