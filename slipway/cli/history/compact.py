"""`slipway features compact`: turn the small files of past days into one Parquet file a day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.history.place import FromFolder, history_files
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.compaction import compact_days
from slipway.wording import counted

KeepDays = Annotated[
    int, typer.Option(min=0, help="Days before today to leave as they are: the monitor reads no Parquet.")
]


def compact(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The feature group.")],
    *,
    folder: FromFolder = None,
    keep_days: KeepDays = 2,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Replace the files of each day by one Parquet file, which is smaller and faster to read."""
    project = load_project(config)
    settings = FeatureDefinitions(project.features).group(group)
    before = datetime.now(UTC).date() - timedelta(days=keep_days)
    done = compact_days(history_files(project, folder), group, settings, before)
    if as_json:
        print_json({"days": [{"day": each.day, "rows": each.rows, "files": each.files} for each in done]})
        return
    for each in done:
        Console().print(f"{each.day}: {counted(each.rows, 'row')} of {counted(each.files, 'file')}")
    Console().print(f"{counted(len(done), 'day')} compacted")
