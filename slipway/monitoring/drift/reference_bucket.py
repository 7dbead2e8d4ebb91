"""Keeps what was acknowledged in the bucket of captures, beside the monitor's state."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from slipway.aws.clients import answered_by
from slipway.errors import StaleError
from slipway.models.registry.bucket import s3_client
from slipway.monitoring.drift.references import References, dump_references, load_references
from slipway.monitoring.state import MONITORING

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

REFERENCES = "drift-references.json"
_NAME = "the bucket of captures"
# S3 answers the first if another object is there, and the second while another conditional write is under way.
_OVERTAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


class BucketReferences:
    """A `ReferenceReader` in an S3 bucket, one small object for each version.

    Every method raises UnavailableError if the bucket cannot be reached or refuses the call.
    """

    def __init__(self, bucket: str, *, client: "S3ClientFactory | None" = None) -> None:
        self._bucket = bucket
        self._client = client or s3_client()

    def read(self, model: str, version: int) -> References:
        return self._stored(reference_key(model, version))[0]

    def change(self, model: str, version: int, change: Callable[[References], References]) -> References:
        """Store what ``change`` makes of the stored references.

        Raises:
            StaleError: somebody else has changed them meanwhile; nothing was written.
        """
        key = reference_key(model, version)
        stored, tag = self._stored(key)
        changed = change(stored)
        with answered_by(_NAME), self._unless_overtaken(model, version):
            self._put(key, dump_references(changed), tag)
        return changed

    def _put(self, key: str, content: bytes, tag: str | None) -> None:
        """Store an object in place of the one with this tag, or only if there is none."""
        client, kind = self._client(), "application/json"
        if tag is None:
            client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind, IfNoneMatch="*")
        else:
            client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind, IfMatch=tag)

    def _stored(self, key: str) -> tuple[References, str | None]:
        """The stored references, and the tag of the object that has them."""
        client = self._client()
        with answered_by(_NAME):
            try:
                answer = client.get_object(Bucket=self._bucket, Key=key)
            except client.exceptions.NoSuchKey:
                return {}, None
            with closing(answer["Body"]) as body:
                return load_references(body.read(), key), answer["ETag"]

    @contextmanager
    def _unless_overtaken(self, model: str, version: int) -> Iterator[None]:
        client: Any = self._client()
        try:
            yield
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _OVERTAKEN:
                raise
            message = f"somebody else has changed what is normal for {model} {version}; look at it, and try again"
            raise StaleError(message) from error


def reference_key(model: str, version: int) -> str:
    """The key of the object with a version's acknowledged columns."""
    return f"{MONITORING}/model={model}/version={version}/{REFERENCES}"
