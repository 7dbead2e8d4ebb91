"""The bucket of training: data sets, drafts and training state, each in the folder of its run or version."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.aws.clients import answered_by
from slipway.models.registry.bucket import s3_client

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

DATA, DRAFTS, CHECKS, STATES = "data", "drafts", "checks", "states"
"""The folders of the bucket, which the steps' rights name: each is written by one step."""

_NAME = "the bucket of training"
_PIECE = 1024 * 1024


def run_folder(top: str, model: str, run: str) -> str:
    """The prefix of what a step wrote in a run."""
    return f"{top}/{model}/{run}/"


def state_folder(model: str, version: int) -> str:
    """The prefix of the training state of a version."""
    return f"{STATES}/{model}/{version}/"


class Workspace:
    """Files of the bucket. Every method raises UnavailableError if it cannot be reached or refuses the call."""

    def __init__(self, bucket: str, *, client: "S3ClientFactory | None" = None) -> None:
        self._bucket = bucket
        self._client = client or s3_client()

    def put(self, key: str, content: bytes) -> None:
        """Store an object in place of the one with its key."""
        with answered_by(_NAME):
            self._client().put_object(Bucket=self._bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes | None:
        """The content of an object, or None if there is none."""
        client = self._client()
        with answered_by(_NAME):
            try:
                return client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except client.exceptions.NoSuchKey:
                return None

    def upload_file(self, file: Path, key: str) -> None:
        """Store a file, of 5 GB at most."""
        with answered_by(_NAME), file.open("rb") as content:
            self._client().put_object(Bucket=self._bucket, Key=key, Body=content)

    def download_file(self, key: str, file: Path) -> bool:
        """Write an object to a file, which appears when it is complete; returns whether there is one."""
        client = self._client()
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.part")
        with answered_by(_NAME), draft.open("wb") as content:
            try:
                body = client.get_object(Bucket=self._bucket, Key=key)["Body"]
            except client.exceptions.NoSuchKey:
                draft.unlink()
                return False
            for piece in body.iter_chunks(_PIECE):
                content.write(piece)
        draft.replace(file)
        return True

    def upload(self, folder: Path, prefix: str) -> None:
        """Store all files of a folder below ``prefix``."""
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            self.upload_file(file, prefix + file.relative_to(folder).as_posix())

    def download(self, prefix: str, folder: Path) -> bool:
        """Write the objects below ``prefix`` to a folder; returns whether there were any."""
        keys = list(self._keys(prefix))
        for key in keys:
            target = folder / key.removeprefix(prefix)
            if not target.resolve().is_relative_to(folder.resolve()):  # no key of ours has `..`
                continue
            self.download_file(key, target)
        return bool(keys)

    def _keys(self, prefix: str) -> Iterator[str]:
        with answered_by(_NAME):
            for page in self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", ()))


def scratch(*parts: str) -> Path:
    """A folder for one run's files on this machine, of which only /tmp may be written."""
    folder = Path(tempfile.gettempdir(), "slipway-training", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
