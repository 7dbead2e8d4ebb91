"""`slipway local loop`: the whole of monitoring, training and releases on this machine, in minutes."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.local.environments import free_port, local_environment, steps, stopped_by_signal

if TYPE_CHECKING:
    from slipway.cli.local.loop.run import Outcome

Step = Callable[[str], AbstractContextManager[None]]
Folder = Annotated[Path, typer.Option(help="The folder of its project, its logs and its picture.")]
FOLDER = Path("build/loop")


def loop(*, folder: Folder = FOLDER) -> None:
    """Replay months of flights: alarms, a retrained version that is released, and labels that lie and are stopped."""
    console, began = Console(), time.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        console.print(f"[dim]{minutes}:{seconds:02}[/]  {escape(text)}", highlight=False, soft_wrap=True)

    with stopped_by_signal():
        outcome = play_loop(Path.cwd(), folder.resolve(), say, steps(console))
    console.print(f"The picture is [bold]{escape(str(outcome.picture))}[/].", highlight=False, soft_wrap=True)


def play_loop(root: Path, folder: Path, say: Callable[[str], None], step: Step) -> "Outcome":
    """Write the project of the loop into a folder, bring it up, go through all stages, and stop it.

    Raises:
        NotFoundError: ``root`` is no checkout.
        TrainingError: a stage ended otherwise than it should.
        UnavailableError: the embedded AWS cannot be reached.
    """
    # Every command loads this module, and only this one needs NumPy and botocore.
    from slipway.cli.local.loop.project import CONFIG, make_project
    from slipway.cli.local.loop.run import run_loop

    make_project(root, folder)
    environment = local_environment(folder / ".slipway", config=folder / CONFIG, root=root)
    try:
        running = environment.up(port=free_port(), step=step, console=None)
        return run_loop(root, folder, running.api, say)
    finally:
        with step("Stopping"):
            environment.down()
