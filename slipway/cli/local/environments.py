"""The embedded AWS as commands use it: the package `local`, which this one may not import, signals, and steps shown."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from slipway.application import load_part

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Running(Protocol):
    """The running environment, as `local.json` describes it."""

    @property
    def api(self) -> str: ...

    @property
    def emulator(self) -> str: ...

    @property
    def console(self) -> str | None: ...

    def model_dump(self) -> dict[str, Any]: ...


class Environment(Protocol):
    """The interface of the package `local`."""

    def up(self, *, port: int, step: Callable[[str], AbstractContextManager[None]], console: int | None) -> Running: ...

    def deploy(self, *, step: Callable[[str], AbstractContextManager[None]]) -> Running: ...

    def status(self) -> Running | None: ...

    def problems(self) -> list[str]: ...

    def down(self) -> bool: ...

    def wait(self) -> None: ...


def next_port(port: int) -> int:
    """The port after this one if it is free, else 0, which is any free one."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port + 1))
        except (OSError, OverflowError):
            return 0
    return port + 1


def free_port() -> int:
    """A free port of loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def local_environment(state: Path, *, config: Path | None = None, root: Path | None = None) -> Environment:
    """The environment of a checkout or project, by default this folder's and its slipway.yaml.

    Raises:
        MissingExtraError: a library that it needs is not installed.
    """
    made: Environment = load_part("local.environment.local_environment").LocalEnvironment(
        root=root or Path.cwd(), folder=state, config=config
    )
    return made


@contextmanager
def stopped_by_signal() -> Iterator[None]:
    """Turn the first stop signal into KeyboardInterrupt, and an interrupted block into the signal's exit code."""
    received: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        # Only once: an interrupted shutdown would leave processes running.
        if not received:
            received.append(number)
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOP_SIGNALS}
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(128 + received[0]) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def steps(console: Console) -> Callable[[str], AbstractContextManager[None]]:
    """Show each step and its duration: a spinner on a terminal, else a line at its start and one at its end."""

    @contextmanager
    def step(title: str) -> Iterator[None]:
        began = time.monotonic()
        if not console.is_terminal:
            console.print(f"...   {title}", highlight=False)
        with _spinner(console, title) if console.is_terminal else nullcontext():
            yield
        console.print(f"[green]done[/]  {title} [dim]({time.monotonic() - began:.1f} s)[/]", highlight=False)

    return step


@contextmanager
def _spinner(console: Console, title: str) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(f"{title} …")
        yield
