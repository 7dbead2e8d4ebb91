"""The registry's object store in an S3 bucket."""

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from slipway.aws.sessions import new_session
from slipway.errors import PackageError, UnavailableError
from slipway.models.registry.versions import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    S3ClientFactory = Callable[[], S3Client]

_PIECE = 1024 * 1024
_DELETED_PER_CALL = 1000  # the limit of DeleteObjects
_NOT_STORED = frozenset({"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch"})


def s3_client(**options: Any) -> "S3ClientFactory":
    """A factory that creates the client on its first call; ``options`` are botocore's, by default the environment's."""

    @cache
    def client() -> "S3Client":
        from botocore.config import Config

        config = Config(
            connect_timeout=3,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Emulators serve all buckets at one address.
            s3={"addressing_style": "path" if "endpoint_url" in options else "auto"},
        )
        made: object = new_session().create_client("s3", config=config, **options)
        return cast("S3Client", made)

    return client


class S3ObjectStore:
    """An `ObjectStore` whose uploads and downloads S3 checks against their SHA-256.

    Each object is one PutObject, which S3 limits to 5 GB.
    """

    def __init__(self, bucket: str, *, client: "S3ClientFactory | None" = None) -> None:
        self._bucket = bucket
        self._client = client or s3_client()

    def put(self, key: str, content: BinaryIO, *, sha256: str) -> None:
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with self._translated(key):
            self._client().put_object(Bucket=self._bucket, Key=key, Body=content, ChecksumSHA256=checksum)

    def read(self, key: str) -> Iterator[bytes]:
        with self._translated(key):
            answer = self._client().get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            with closing(
                answer["Body"]
            ) as body:  # its own context manager returns the raw stream, which skips the checksum
                while piece := body.read(_PIECE):
                    yield piece

    def listing(self, prefix: str) -> Iterable[StoredObject]:
        found: list[StoredObject] = []
        with self._translated(prefix):
            for page in self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                found += [StoredObject(key=o["Key"], modified=o["LastModified"]) for o in page.get("Contents", ())]
        return found

    def delete(self, keys: Iterable[str]) -> None:
        names = list(keys)
        for start in range(0, len(names), _DELETED_PER_CALL):
            batch = names[start : start + _DELETED_PER_CALL]
            with self._translated(batch[0]):
                self._delete(batch)

    def _delete(self, batch: list[str]) -> None:
        answer = self._client().delete_objects(
            Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
        )
        for error in answer.get("Errors", ()):
            reason = f"{error.get('Key')} was not deleted: {error.get('Message')}"
            raise UnavailableError("model registry", f"{reason} (bucket {self._bucket})")

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, HTTPClientError

        try:
            yield
        except FlexibleChecksumError as error:
            raise PackageError(key, f"was altered in the registry: {error}") from error
        except ClientError as error:
            raise self._error(key, error) from error
        except (BotoCoreError, HTTPClientError) as error:  # no connection, a timeout, no credentials, no region
            raise UnavailableError("model registry", f"{error} (bucket {self._bucket})") from error

    def _error(self, key: str, error: Any) -> PackageError | UnavailableError:
        code = str(error.response["Error"]["Code"])
        if code == "NoSuchKey":
            return PackageError(key, "is missing from the registry")
        if code in _NOT_STORED:
            return PackageError(key, f"was altered in transit: {error}")
        return UnavailableError("model registry", f"{error} (bucket {self._bucket})")
