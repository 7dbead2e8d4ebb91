"""`slipway console`: serve the web page on this machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.options import ConfigFile
from slipway.cli.project import local_state_in
from slipway.errors import ConflictError, MissingExtraError

PORT = 8081
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port, on 127.0.0.1.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Show everything and change nothing.")]
NodeModules = Annotated[
    Path | None, typer.Option(help="Folder of the page's scripts. Default: node_modules beside slipway.yaml.")
]
State = Annotated[Path | None, typer.Option(help="Folder of the state of `slipway local`. Default: .slipway.")]


def console(
    *,
    port: Port = PORT,
    read_only: ReadOnly = False,
    node_modules: NodeModules = None,
    state: State = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Serve the console on 127.0.0.1, with your own AWS credentials or the embedded AWS, until Ctrl-C."""
    try:
        from slipway.console.server import serve
        from slipway.console.settings import ConsoleSettings
        from slipway.console.workspace import Workspace
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "slipway":
            raise
        raise MissingExtraError(error.name, "console") from error

    _check_free(port)
    scripts = node_modules or config.parent / "node_modules"
    settings = ConsoleSettings(port, read_only=read_only, node_modules=scripts)
    mode = ", read-only" if read_only else ""
    Console().print(f"The console is at [bold]{settings.address}[/]{mode}. Ctrl-C stops it.", soft_wrap=True)
    with local_state_in(state):
        serve(settings, Workspace(config))


def _check_free(port: int) -> None:
    """Raise ConflictError if something listens on the port, which uvicorn would only log."""
    import socket

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConflictError(
                f"port {port} of 127.0.0.1 cannot be used: {error.strerror}; choose another --port"
            ) from error
