"""An object of a bucket as a file that is read in ranges, without a copy on the disk, or stored in parts."""

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from slipway.aws.clients import answered_by
from slipway.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from slipway.models.registry.bucket import S3ClientFactory

DEPENDENCY = "S3"
_BUFFER_BYTES = 4 * 1024 * 1024
_GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_CHANGED = frozenset({"412", "PreconditionFailed"})


def open_object(client: "S3ClientFactory", bucket: str, key: str) -> BinaryIO:
    """Open an object for reading.

    Raises:
        InputError: there is none, or it is replaced while it is read.
        UnavailableError: S3 cannot be reached, or refuses.
    """
    return cast("BinaryIO", io.BufferedReader(_Ranges(client, bucket, key), _BUFFER_BYTES))


def store_object(client: "S3ClientFactory", bucket: str, key: str, content: BinaryIO) -> None:
    """Store an object of any size, in parts if it is large; S3 checks each part against its SHA-256.

    Raises:
        UnavailableError: S3 cannot be reached, or refuses.
    """
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    # The other client takes neither the retries nor the endpoint of ours.
    config = TransferConfig(preferred_transfer_client="classic")
    with answered_by(DEPENDENCY), create_transfer_manager(client(), config) as transfers:
        transfers.upload(content, bucket, key, extra_args={"ChecksumAlgorithm": "SHA256"}).result()


def is_missing(error: UnavailableError) -> bool:
    """Whether S3 has answered that there is no such object."""
    return _code(error) in _GONE


def _code(error: UnavailableError) -> str:
    from botocore.exceptions import ClientError

    cause = error.__cause__
    return str(cause.response["Error"]["Code"]) if isinstance(cause, ClientError) else ""


class _Ranges(io.RawIOBase):
    """Reads the ranges that it is asked for, all from the object that was there at first."""

    def __init__(self, client: "S3ClientFactory", bucket: str, key: str) -> None:
        super().__init__()
        self._client = client
        self._bucket, self._key = bucket, key
        self._at = 0
        try:
            with answered_by(DEPENDENCY):
                head = client().head_object(Bucket=bucket, Key=key)
        except UnavailableError as error:
            raise self._explained(error) from error
        self._size, self._tag = head["ContentLength"], head["ETag"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        into = memoryview(buffer).cast("B")
        count = min(len(into), self._size - self._at)
        if count <= 0:
            return 0
        content = self._range(self._at, self._at + count)
        into[: len(content)] = content
        self._at += len(content)
        return len(content)

    def _range(self, begin: int, end: int) -> bytes:
        span = f"bytes={begin}-{end - 1}"
        try:
            with answered_by(DEPENDENCY):
                answer = self._client().get_object(Bucket=self._bucket, Key=self._key, IfMatch=self._tag, Range=span)
                return answer["Body"].read()
        except UnavailableError as error:
            raise self._explained(error) from error

    def _explained(self, error: UnavailableError) -> InputError | UnavailableError:
        place = f"s3://{self._bucket}/{self._key}"
        if is_missing(error):
            return InputError.of(place, "no such object")
        if _code(error) in _CHANGED:
            return InputError.of(place, "was replaced while it was read")
        return error
