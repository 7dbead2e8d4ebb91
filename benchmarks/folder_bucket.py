"""A folder in place of the bucket of captures."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO


class FolderBucket:
    """An `ObjectBucket` whose objects are files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes, *, content_type: str = "application/gzip") -> None:  # noqa: ARG002
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def get(self, key: str) -> bytes | None:
        path = self._folder / key
        return path.read_bytes() if path.is_file() else None

    def open(self, key: str) -> BinaryIO | None:
        path = self._folder / key
        return path.open("rb") if path.is_file() else None

    def tagged(self, key: str) -> tuple[bytes, str] | None:
        content = self.get(key)
        return None if content is None else (content, sha256(content).hexdigest())

    def replace(self, key: str, content: bytes, tag: str | None) -> bool:
        found = self.tagged(key)
        if tag != (found and found[1]):
            return False
        self.put(key, content)
        return True

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        found = (path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())
        return iter(sorted(key for key in found if key.startswith(prefix) and key > after))

    def folders(self, prefix: str) -> Iterator[str]:
        found = {prefix + key[len(prefix) :].partition("/")[0] + "/" for key in self.keys(prefix)}
        return iter(sorted(found))
