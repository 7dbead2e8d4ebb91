"""`slipway local replay`: send a recording to the running API, as fast as it happened or faster."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console

from slipway.cli.api import connect
from slipway.cli.feature_upload import ApiUpload
from slipway.cli.local.playing import Pace, Played, Player
from slipway.cli.local.recording import Hour, hours_of, read_recording
from slipway.cli.options import AsJson, ConfigFile, Token, Url, print_json
from slipway.cli.predict_input import Described
from slipway.cli.project import load_project
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.wording import counted

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
From = Annotated[
    datetime | None, typer.Option("--from", formats=_FORMATS, help="Begin at this day or time of the recording, UTC.")
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=_FORMATS, help="End before this day or time of it, UTC.")
]


def replay(
    folder: Annotated[Path, typer.Argument(help="A folder with replay.yaml, e.g. examples/flights.")],
    *,
    speed: Annotated[float, typer.Option(min=1, help="Hours of the recording in an hour.")] = 1000.0,
    since: From = None,
    until: Until = None,
    labels_after: Annotated[
        float, typer.Option(min=0, help="Hours of the recording from a prediction to its label.")
    ] = 6.0,
    label_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Label this share of the records, drawn at random, and say so. Default: label all.",
        ),
    ] = None,
    config: ConfigFile = Path("slipway.yaml"),
    api: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Send the records, feature rows and labels of a recording to the API, each hour as if it were now."""
    settings, recording = load_project(config), read_recording(folder)
    definitions = FeatureDefinitions(settings.features)
    with ExitStack() as stack:
        client = stack.enter_context(connect(api, token, config=config))
        described = Described.of(recording.model, client.get(f"/v1/models/{quote(recording.model, safe='')}"), None)
        span = {"since": _moment(since, _FIRST), "until": _moment(until, _LAST)}
        hours = list(hours_of(folder, recording, described, definitions, **span))
        if not hours:
            raise InputError.of("--from, --until", f"{folder} has no record and no feature row in this time")
        upload = ApiUpload(client, definitions, settings.api.limits.body_bytes)
        player = Player(client, recording.model, described, upload, timedelta(hours=labels_after), label_share)
        total = _play(player, hours, Pace(speed), shown=not as_json)
    _report(recording.model, total, as_json=as_json)


def _moment(given: datetime | None, default: datetime) -> datetime:
    return default if given is None else given.replace(tzinfo=UTC)


def _play(player: Player, hours: list[Hour], pace: Pace, *, shown: bool) -> Played:
    """Play all hours; each day of the recording is a line."""
    console, total, today = Console(), Played(), Played()
    for at, (moment, played) in enumerate(player.play(hours, pace)):
        total, today = total + played, today + played
        if at + 1 == len(hours) or hours[at + 1].start.date() != moment.date():
            if shown:
                console.print(f"{moment:%Y-%m-%d}  {_sentence(today)}", highlight=False)
            today = Played()
    return total


def _sentence(played: Played) -> str:
    said = [counted(played.predictions, "prediction")]
    if played.labelled:
        said.append(f"{100 * played.right / played.labelled:.1f} % right")
    return ", ".join(said)


def _report(model: str, total: Played, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "model": model,
                "feature_rows": total.writes,
                "predictions": total.predictions,
                "labels": total.labelled,
                "right": total.right,
            }
        )
        return
    console = Console()
    rows, labels = counted(total.writes, "feature row"), counted(total.labelled, "label")
    console.print(f"{counted(total.predictions, 'prediction')}, {rows} and {labels} sent", highlight=False)
    console.print(f"[bold]slipway monitor drift {model}[/] shows what has changed.", highlight=False)
