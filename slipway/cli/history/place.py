"""Where a command finds a history: in a folder, or in the bucket of the project's deployment."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.deployed import find_deployed
from slipway.config import Config
from slipway.errors import InputError
from slipway.features.history.files import HistoryFiles, HistoryFolder

FromFolder = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="A folder laid out as the bucket is. Default: the deployed bucket."),
]


def history_files(config: Config, folder: Path | None) -> HistoryFiles:
    """The files of the project's histories.

    Raises:
        NotFoundError: nothing is deployed.
        UnavailableError: AWS cannot be reached.
    """
    if folder is not None:
        return HistoryFolder(folder)
    from slipway.features.history.bucket import HistoryBucket
    from slipway.models.registry.bucket import s3_client  # botocore takes long to import

    deployed = find_deployed(config.project)
    return HistoryBucket(deployed.output("HistoryBucket"), s3_client(**deployed.options))


def require_history(config: Config, groups: list[str]) -> None:
    """Raise InputError for a group whose history slipway.yaml does not keep, which would join as missing."""
    for group in groups:
        known = config.features.get(group)
        if known is not None and known.history is None:
            raise InputError.of(group, "has no history: set `history: true` for this group in slipway.yaml")
