"""Find the registry that the commands use: its table and bucket, and where they are."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.cli.deployed import account_output
from slipway.cli.embedded import NAME, Embedded, find_embedded
from slipway.cli.project import load_project
from slipway.errors import InputError, NotFoundError
from slipway.models.registry.registry import Registry

TableName = Annotated[
    str | None, typer.Option("--table", help="The control table. Default: found as docs/registry.md describes.")
]
BucketName = Annotated[str | None, typer.Option("--bucket", help="The model bucket; requires --table.")]


@dataclass(frozen=True)
class Target:
    """A registry's table and bucket; ``options`` are botocore client options."""

    table: str
    bucket: str
    place: str
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    def open(self) -> Registry:
        """Create the registry without calling it."""
        # Only commands that need boto3 pay for its import.
        from slipway.aws.table import lazy_client
        from slipway.models.registry.bucket import S3ObjectStore, s3_client
        from slipway.models.registry.table import DynamoVersionTable

        objects = S3ObjectStore(self.bucket, client=s3_client(**self.options))
        return Registry(objects, DynamoVersionTable(self.table, client=lazy_client(**self.options)))

    def caller(self) -> str:
        """The caller's ARN."""
        from slipway.aws.identity import caller_arn

        return caller_arn(**self.options)


def find_target(config: Path, table: str | None, bucket: str | None) -> Target:
    """The registry of ``table`` and ``bucket``, else of a running embedded AWS, else of the project's stack.

    Raises:
        InputError: only one of the two was given.
        NotFoundError, UnavailableError: there is no registry, or AWS cannot be reached.
    """
    if (table is None) != (bucket is None):
        raise InputError.of("--table and --bucket", "must be given together")
    if table and bucket:
        return Target(table, bucket, "AWS")
    if (embedded := find_embedded()) is not None:
        return _embedded(embedded)
    return _deployed(f"{load_project(config).project}-state")


def _embedded(found: Embedded) -> Target:
    outputs = found.all_outputs
    if "ControlTable" not in outputs or "ModelBucket" not in outputs:
        raise NotFoundError("registry in the embedded AWS", "ControlTable, ModelBucket", outputs)
    return Target(outputs["ControlTable"], outputs["ModelBucket"], NAME, dict(found.options))


def _deployed(stack: str) -> Target:
    table, bucket = (account_output(stack, output) for output in ("ControlTable", "ModelBucket"))
    return Target(table, bucket, f"stack {stack}")
