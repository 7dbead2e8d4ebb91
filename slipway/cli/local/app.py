"""`slipway local`: all of Slipway on this machine, without an account or a network.

It runs the package `local`, which lies in the checkout or in an installed Slipway, and which this one may not import.
"""

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.api import Api, ApiError
from slipway.cli.exits import Exit
from slipway.cli.local.environments import Running, local_environment, next_port, steps, stopped_by_signal
from slipway.cli.local.loop.command import loop
from slipway.cli.local.replay import replay
from slipway.cli.options import AsJson, print_json

app = typer.Typer(help="Run the embedded AWS on this machine.", no_args_is_help=True)
app.command()(loop)
app.command()(replay)

ConsolePort = Annotated[
    int | None,
    typer.Option("--console-port", min=1, max=65535, help="The console's port. Default: the next after the API's."),
]
NoConsole = Annotated[bool, typer.Option("--no-console", help="Start no console.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port of the API, on 127.0.0.1.")]
Text = Annotated[str, typer.Option(help="Text for the first prediction.")]
StateFolder = Annotated[Path, typer.Option("--state", help="Folder for state and logs.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return once it is running, and leave it running.")]
STATE_FOLDER = Path(".slipway")
TEXT = "Finally Friday, and the sun is out!"


@app.command()
def up(
    *,
    port: Port = 8080,
    console_port: ConsolePort = None,
    no_console: NoConsole = False,
    text: Text = TEXT,
    detach: Detach = False,
    state: StateFolder = STATE_FOLDER,
) -> None:
    """Start the embedded AWS, deploy this project to it, make a prediction, and open the console."""
    console = Console()
    environment = local_environment(state)
    left_running = False
    with stopped_by_signal():
        shown_at = None if no_console else console_port or next_port(port)
        running = environment.up(port=port, step=steps(console), console=shown_at)
        try:
            _first_prediction(console, running, text)
            _addresses(console, running)
            if detach:
                left_running = True
                console.print("[bold]slipway local down[/] stops all of it.")
            else:
                # Who reads the line may press it before the wait begins.
                with suppress(KeyboardInterrupt):
                    console.print("Ctrl-C stops all of it.")
                    environment.wait()
        finally:
            if not left_running:
                with steps(console)("Stopping"):
                    environment.down()


@app.command()
def deploy(*, state: StateFolder = STATE_FOLDER) -> None:
    """Deploy this project's current state to the running embedded AWS."""
    console = Console()
    with stopped_by_signal():
        running = local_environment(state).deploy(step=steps(console))
    _addresses(console, running)


@app.command()
def status(*, as_json: AsJson = False, state: StateFolder = STATE_FOLDER) -> None:
    """Show what is running; exit with code 4 if nothing is, or a part of it is missing."""
    environment = local_environment(state)
    running, problems = environment.status(), environment.problems()
    up = running is not None and not problems
    if as_json:
        found = {} if running is None else {"problems": problems, **running.model_dump()}
        print_json({"up": up, **found})
    else:
        _print_status(Console(), running, problems)
    if not up:
        raise typer.Exit(Exit.UNAVAILABLE)


def _print_status(console: Console, running: Running | None, problems: list[str]) -> None:
    if running is None:
        console.print("The embedded AWS is not up; [bold]slipway local up[/] starts it.")
        return
    if not problems:
        _addresses(console, running)
    for problem in problems:
        console.print(f"[red]The embedded AWS does not work:[/] {escape(problem)}", soft_wrap=True)


@app.command()
def down(*, state: StateFolder = STATE_FOLDER) -> None:
    """Stop everything that `slipway local up` started."""
    stopped = local_environment(state).down()
    Console().print("Stopped." if stopped else "Nothing was up.")


def _addresses(console: Console, running: Running) -> None:
    console.print(f"The API is at [bold]{running.api}[/], the embedded AWS at {running.emulator}.", soft_wrap=True)
    if running.console is not None:
        console.print(f"The console is at [bold]{running.console}[/].", soft_wrap=True)


def _first_prediction(console: Console, running: Running, text: str) -> None:
    """Predict a text with the first model that takes one, and print the curl command for it."""
    with Api(running.api) as client:
        try:
            found = _text_model(client.get("/v1/models")["models"])
        except ApiError as error:
            if error.status != 401:
                raise
            console.print("The API requires a token: pass one as `Authorization: Bearer …`.", markup=False)
            return
        if found is None:
            return
        model, field = found
        body = {"inputs": [{field: text}]}
        prediction = client.call("POST", f"/v1/models/{model}/predict", body)["predictions"][0]
    console.print(
        f"\n[bold]{escape(text)}[/]\n{model} says: {_described(prediction)}\n", highlight=False, soft_wrap=True
    )
    command = [
        f"curl {running.api}/v1/models/{model}/predict \\",
        "  -H 'Content-Type: application/json' \\",
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
    ]
    console.print("\n".join(command) + "\n", markup=False, highlight=False, soft_wrap=True)


def _text_model(models: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The first text classifier with a single required field, and that field."""
    for model in (each for each in models if "task" in each):  # the list has no schema of heavy models
        released = next(v for v in model["versions"] if v["version"] == model["release"]["stable"])
        asked = [field["name"] for field in released["inputs"] if "group" not in field and "default" not in field]
        if model["task"] == "text-classification" and len(asked) == 1:
            return model["name"], asked[0]
    return None


def _described(prediction: Mapping[str, Any]) -> str:
    others = ", ".join(f"{label} {score:.2f}" for label, score in prediction["scores"].items())
    labels = prediction["labels"] if "labels" in prediction else [prediction["label"]]
    return f"[bold]{escape(', '.join(labels) or 'no label')}[/] ({escape(others)}; version {prediction['version']})"
