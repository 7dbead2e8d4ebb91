"""`slipway init DIR`: write a project into a folder."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.init.folder import checked_name, write_project
from slipway.cli.init.pin import Pin, find_pin

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.", show_default=False)]
Name = Annotated[str | None, typer.Option(help="The project's name. Default: that of the folder.")]


def init(folder: Folder, *, name: Name = None) -> None:
    """Write a project of your own, with an example model, which has this version of Slipway as its dependency."""
    project = checked_name(folder, name)
    with find_pin() as pin:
        write_project(folder, project, pin)
    console = Console()
    console.print(
        f"Project [bold]{project}[/] is in {escape(str(folder))}, with {_source(pin)}. To run it on this machine:"
    )
    console.print(f"\n  cd {shlex.quote(str(folder))}\n  make run\n", highlight=False, soft_wrap=True)


def _source(pin: Pin) -> str:
    return escape(f"Slipway's wheel {pin.wheel.name}" if pin.wheel else pin.requirement)
