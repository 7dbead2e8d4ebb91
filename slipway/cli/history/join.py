"""`slipway features history`: join features to a file as they were at each row's time."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.history.place import FromFolder, history_files, require_history
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.joining import AsOf
from slipway.features.history.output import open_output
from slipway.features.history.training import Joined, Wanted, join_features
from slipway.wording import counted

Groups = Annotated[list[str], typer.Argument(metavar="GROUP…", help="The feature groups to join.")]
Entities = Annotated[Path, typer.Option("--entities", help="A .csv, .tsv, .jsonl or .parquet file of ids and times.")]
OutputFile = Annotated[Path, typer.Option("--output", "-o", help="The .csv, .jsonl or .parquet file to write.")]
TimeColumn = Annotated[str, typer.Option("--time", help="The column with each row's time.")]
IdColumns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="ENTITY=COLUMN", help="The column of an entity's ids, if not named after it."),
]
By = Annotated[AsOf, typer.Option("--as-of", help="Which time of a write counts: when it was written, or its event's.")]
Defaults = Annotated[bool, typer.Option("--defaults/--no-defaults", help="Fill missing features as predictions do.")]
Times = Annotated[bool, typer.Option("--times", help="Add the event and write time of each group.")]


def history(
    groups: Groups,
    *,
    entities: Entities,
    output: OutputFile,
    folder: FromFolder = None,
    time: TimeColumn = "time",
    columns: IdColumns = None,
    as_of: By = AsOf.WRITE,
    defaults: Defaults = True,
    times: Times = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Join features to a file as they were at each row's time: what a prediction then would have been given."""
    project, joined = load_project(config), Joined()
    definitions = FeatureDefinitions(project.features)
    if folder is None:
        require_history(project, groups)
    wanted = Wanted(tuple(groups), time, _columns(columns), as_of, defaults, times)
    files = history_files(project, folder)
    with open_output(output) as writer:
        for table in join_features(entities, files, definitions, wanted, joined):
            writer.write(table)
    if as_json:
        print_json({"rows": joined.rows, "changes": joined.changes, "missing": joined.missing, "output": str(output)})
        return
    console = Console()
    console.print(f"{counted(joined.rows, 'row')} written to {output}", markup=False)
    for group, missing in joined.missing.items():
        read = counted(joined.changes[group], "change")
        console.print(f"{group}: {read} read; {counted(missing, 'row')} without features", markup=False)


def _columns(options: list[str] | None) -> dict[str, str]:
    pairs = [option.partition("=") for option in options or ()]
    for entity, _, column in pairs:
        if not entity or not column:
            raise InputError.of("--column", f"{entity!r} must be ENTITY=COLUMN")
    return {entity: column for entity, _, column in pairs}
