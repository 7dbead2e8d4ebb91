"""`slipway monitor profiles`: the profiles that are stored of a model, by version and hour."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.cli.tables import plain_table
from slipway.errors import InputError, NotFoundError
from slipway.wording import counted

if TYPE_CHECKING:
    from slipway.monitoring.profiles.profile import Profile

Hours = Annotated[int, typer.Option(min=1, max=24 * 400, help="How many hours back.")]


def profiles(
    model: str, *, hours: Hours = 24, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False
) -> None:
    """List the profiles of a model's captures, with their records."""
    settings = load_project(config)
    if model not in settings.models:
        raise NotFoundError("model in slipway.yaml", model, settings.models)
    if model not in settings.captured_models:
        raise InputError.of(model, f"is not captured; models.{model}.capture.sample of slipway.yaml turns it on")
    found = _read(settings.project, model, hours)
    if as_json:
        print_json({"model": model, "profiles": [_summary(each) for each in found]})
        return
    console = Console()
    if not found:
        period = counted(settings.monitoring.period_minutes, "minute")
        console.print(f"No captures of {model} in {counted(hours, 'hour')}; the monitor runs every {period}.")
        return
    table = plain_table("period, UTC", "version", "records")
    for each in found:
        table.add_row(f"{each.start:%Y-%m-%d %H:%M} to {each.end:%H:%M}", str(each.version), f"{each.records:,}")
    console.print(table)


def _read(project: str, model: str, hours: int) -> "list[Profile]":
    # Only commands that need botocore pay for its import.
    from slipway.cli.deployed import find_deployed
    from slipway.models.registry.bucket import s3_client
    from slipway.monitoring.captures.bucket import CaptureBucket
    from slipway.monitoring.profiles.store import BucketProfiles

    deployed = find_deployed(project)
    store = BucketProfiles(CaptureBucket(deployed.output("CaptureBucket"), client=s3_client(**deployed.options)))
    until = datetime.now(UTC)
    since = until - timedelta(hours=hours)
    found = [each for number in store.versions(model, since, until) for each in store.read(model, number, since, until)]
    return sorted(found, key=lambda profile: (profile.start, profile.version))


def _summary(profile: "Profile") -> dict[str, Any]:
    return {
        "start": profile.start.isoformat(),
        "minutes": profile.minutes,
        "version": profile.version,
        "records": profile.records,
    }
