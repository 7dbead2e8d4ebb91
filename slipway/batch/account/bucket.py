"""The input and output of a job in S3, as `slipway.batch.folders` has them on a machine."""

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from slipway.aws.clients import answered_by
from slipway.batch.account.objects import DEPENDENCY, is_missing, open_object
from slipway.batch.account.places import Place
from slipway.batch.folders import record_files
from slipway.errors import UnavailableError
from slipway.records.files import format_of

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

_READERS = 10  # as many connections as a client keeps


class InputObjects:
    """An object with records, or all such objects below a prefix, named by what follows it."""

    def __init__(self, place: Place, client: "S3ClientFactory") -> None:
        self._place = place
        self._client = client

    def files(self) -> list[str]:
        """The names of the objects, in order; raises InputError if there are none."""
        keys = list(_keys(self._client, self._place.bucket, self._place.key))
        if self._place.key in keys and not self._place.key.endswith("/"):
            name = self._place.key.rpartition("/")[2]
            format_of(Path(name))
            return [name]
        below = [key.removeprefix(self._place.folder) for key in keys if key.startswith(self._place.folder)]
        # The consoles of S3 and Hadoop make empty objects for folders.
        return record_files([name for name in below if name and not name.endswith("/")], str(self._place))

    def open(self, name: str) -> BinaryIO:
        """Open an object, whose bytes are read in ranges; raises InputError if there is none."""
        key = self._place.key if self._place.key.rpartition("/")[2] == name else self._place.folder + name
        return open_object(self._client, self._place.bucket, key)


class OutputObjects:
    """The objects of a job's output below a prefix. Each appears whole or not at all, as S3 has it."""

    def __init__(self, place: Place, client: "S3ClientFactory") -> None:
        self._bucket, self._prefix = place.bucket, place.folder
        self._client = client

    def __contains__(self, name: str) -> bool:
        try:
            with answered_by(DEPENDENCY):
                self._client().head_object(Bucket=self._bucket, Key=self._prefix + name)
        except UnavailableError as error:
            if is_missing(error):
                return False
            raise
        return True

    def names(self, folder: str = "") -> list[str]:
        """The names of the objects directly in a folder of the output."""
        within = f"{folder}/" if folder else ""
        found = (
            key.removeprefix(self._prefix) for key in _keys(self._client, self._bucket, self._prefix + within, "/")
        )
        return sorted(name for name in found if name != within)

    def read(self, name: str) -> str | None:
        """The text of an object, or None if there is none."""
        try:
            with answered_by(DEPENDENCY):
                answer = self._client().get_object(Bucket=self._bucket, Key=self._prefix + name)
                return answer["Body"].read().decode()
        except UnavailableError as error:
            if is_missing(error):
                return None
            raise

    def write(self, name: str, text: str) -> None:
        """Write an object, in place of the one that is there."""
        with answered_by(DEPENDENCY):
            self._client().put_object(Bucket=self._bucket, Key=self._prefix + name, Body=text.encode())

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with answered_by(DEPENDENCY):
            self._client().delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give a path on the disk, which becomes the object once the block ends without an error: at most 5 GB."""
        with tempfile.TemporaryDirectory(prefix="slipway-part-") as folder:
            path = Path(folder) / "part"
            yield path
            with path.open("rb") as content, answered_by(DEPENDENCY):
                self._client().put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    def at_once(self, names: Iterable[str]) -> "ListedOutputs":
        """The same output as it is now, listed once, with the content of the objects ``names`` read by many threads."""
        return ListedOutputs(Place(self._bucket, self._prefix), self._client, names)


class ListedOutputs(OutputObjects):
    """An output that was listed once: to ask for each of 10,000 shards would take minutes."""

    def __init__(self, place: Place, client: "S3ClientFactory", names: Iterable[str]) -> None:
        super().__init__(place, client)
        self._names = {key.removeprefix(place.folder) for key in _keys(client, place.bucket, place.folder)}
        client()  # before there are threads, which would each make one
        with ThreadPoolExecutor(_READERS) as pool:
            wanted = [name for name in names if name in self._names]
            self._texts = dict(zip(wanted, pool.map(super().read, wanted), strict=True))

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> str | None:
        """The text of an object, or None if there is none."""
        return self._texts[name] if name in self._texts else super().read(name)


def _keys(client: "S3ClientFactory", bucket: str, prefix: str, delimiter: str = "") -> Iterator[str]:
    try:
        with answered_by(DEPENDENCY):
            pages = client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter):
                yield from (entry["Key"] for entry in page.get("Contents", ()))
    except UnavailableError as error:
        if not is_missing(error):
            raise
