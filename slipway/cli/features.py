"""`slipway features`: read and write the feature store through a deployed API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.api import connect
from slipway.cli.history.backfill import backfill
from slipway.cli.history.compact import compact
from slipway.cli.history.join import history
from slipway.cli.load_features import load
from slipway.cli.options import AsJson, ConfigFile, Token, Url, print_json
from slipway.cli.project import load_project
from slipway.cli.tables import new_table
from slipway.cli.values import assignments
from slipway.config import FeatureType

app = typer.Typer(help="Read and write the feature store.", no_args_is_help=True)
app.command("load")(load)
app.command("history")(history)
app.command("backfill")(backfill)
app.command("compact")(compact)

Entity = Annotated[str, typer.Argument(help="The entity, e.g. patient.")]
EntityId = Annotated[str, typer.Argument(metavar="ID", help="The entity's id, e.g. p001.")]


@app.command("get")
def get(entity: Entity, entity_id: EntityId, *, api: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Show the stored features of one entity."""
    with connect(api, token) as client:
        answer = client.get(feature_path(entity, entity_id))
    if as_json:
        print_json(answer)
    else:
        Console().print(_table(answer))


@app.command("put")
def put(
    entity: Entity,
    entity_id: EntityId,
    group: Annotated[str, typer.Argument(help="The feature group, e.g. tumour-mean.")],
    values: Annotated[list[str], typer.Argument(metavar="FEATURE=VALUE…", help="The features of the group.")],
    *,
    config: ConfigFile = Path("slipway.yaml"),
    event_time: Annotated[datetime | None, typer.Option(help="The event time in UTC. Default: now.")] = None,
    api: Url = None,
    token: Token = None,
) -> None:
    """Write one feature group of one entity, replacing the stored row unless that is newer."""
    moment = (event_time or datetime.now(UTC)).replace(tzinfo=UTC)
    body = {"groups": {group: {"event_time": moment.isoformat(), "values": assignments(values, _types(config, group))}}}
    with connect(api, token, config=config) as client:
        client.call("PUT", feature_path(entity, entity_id), body)
    typer.echo(f"stored {group} of {entity} {entity_id} as of {moment.isoformat(timespec='seconds')}")


def _types(config: Path, group: str) -> dict[str, FeatureType]:
    """The types of a group's features, if slipway.yaml defines it here; otherwise the API's own will refuse."""
    groups = load_project(config).features if config.exists() else {}
    return {name: feature.type for name, feature in groups[group].features.items()} if group in groups else {}


def feature_path(entity: str, entity_id: str) -> str:
    """The route of an entity's features."""
    return f"/v1/features/{quote(entity, safe='')}/{quote(entity_id, safe='')}"


def _table(answer: dict[str, Any]) -> Table:
    table = new_table("group", "feature", "value", "as of", title=escape(f"{answer['entity']} {answer['id']}"))
    for group, row in answer["groups"].items():
        for name, value in row["values"].items():
            table.add_row(group, name, escape(str(value)), row["event_time"])
    return table
