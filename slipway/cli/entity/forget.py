"""`slipway entity forget`: erases what is stored of an entity, and says what it could not reach."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from slipway.cli.entity.erasing import eraser_of
from slipway.cli.entity.target import EntityId, EntityName, EntityTarget, find_entity
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.config import Config
from slipway.wording import counted

if TYPE_CHECKING:
    from slipway.monitoring.erasure.eraser import Erased

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before erasing.")]

_BACKUP_DAYS = 35


def forget(
    entity: EntityName,
    entity_id: EntityId,
    *,
    yes: Yes = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Erase an entity's features, history, predictions of any kind, and feedback. It can be run again."""
    target = find_entity(config, entity, entity_id)
    subject, place = target.subject, target.deployed.place
    if not yes:
        typer.confirm(f"Erase everything of {subject} in {place}? It cannot be undone", abort=True, err=True)
    now = datetime.now(UTC)
    with Console(stderr=True).status(f"erasing {escape(str(subject))}") as status:
        done = eraser_of(target.deployed, target.config, _telling(target, status)).erase(subject, now)
    left = left_behind(target.config, now)
    if as_json:
        counts = {name: count for name, count in sorted(done.counts.items()) if count}
        print_json({"entity": entity, "id": entity_id, "erased": counts, "unreadable": done.unreadable, "left": left})
    else:
        _print(target, done, left)


def _telling(target: EntityTarget, status: Status) -> Callable[[str, int], None]:
    read = 0

    def tell(folder: str, files: int) -> None:
        nonlocal read
        read += files
        status.update(f"erasing {escape(str(target.subject))}: {folder}, {counted(read, 'file')} read")

    return tell


def left_behind(config: Config, now: datetime) -> list[str]:
    """What an erasure does not reach, and until when it is there."""
    monitoring = config.monitoring
    logs = now + timedelta(days=monitoring.log_retention_days)
    backups = now + timedelta(days=_BACKUP_DAYS)
    left = [
        f"lines of the models' log groups hold captures until {logs:%Y-%m-%d}",
        f"the tables can be restored to a time before now until {backups:%Y-%m-%d}: erase again after a restore",
        "feedback on predictions that were not captured names no entity",
        "captures that are on their way may be stored for another minute: erase again after it",
        "profiles, counters and evidence of releases are sums without ids, and stay",
    ]
    captured = now + timedelta(days=monitoring.capture_retention_days)
    left.append(f"captures of builds that did not name entities expire by {captured:%Y-%m-%d}")
    if config.trained_models:
        left.append(f"data sets of training that hold captures expire by {captured:%Y-%m-%d}")
    if config.batch.enabled:
        kept = now + timedelta(days=config.batch.retention_days)
        left.append(f"inputs and outputs of jobs in the bucket of jobs expire by {kept:%Y-%m-%d}; those elsewhere stay")
    if cached := [model.cache.ttl_days for model in config.models.values() if model.cache.enabled]:
        expired = now + timedelta(days=max(cached))
        left.append(f"cached answers to records that were not captured have no id, and expire by {expired:%Y-%m-%d}")
    return left


def _print(target: EntityTarget, done: "Erased", left: list[str]) -> None:
    console = Console()
    found = {name: count for name, count in sorted(done.counts.items()) if count}
    if found:
        console.print(f"Erased of {escape(str(target.subject))} in {target.deployed.place}:", soft_wrap=True)
        for name, count in found.items():
            console.print(f"  {count:,} {name}")
    else:
        console.print(f"Nothing is stored of {escape(str(target.subject))}, so nothing was erased.", soft_wrap=True)
    for key in done.unreadable:
        console.print(f"[yellow]not readable, and left as it is:[/] {escape(key)}", soft_wrap=True)
    console.print("Not reached:")
    for each in left:
        console.print(f"  - {each}", soft_wrap=True)
