"""The exit codes of every command, as in docs/cli.md, and the translation of errors to them."""

from enum import IntEnum

from rich.console import Console
from rich.markup import escape

from slipway.cli.api import ApiError
from slipway.errors import ConfigError, InputError, PackageError, SlipwayError, UnavailableError


class Exit(IntEnum):
    """The meaning of a command's exit code."""

    DONE = 0
    REFUSED = 1  # the request is wrong, names something that does not exist, or was refused in part
    USAGE = 2  # the command line itself is wrong; Typer's own code
    INVALID = 3  # slipway.yaml or a package is not valid
    UNAVAILABLE = 4  # the API or a service behind it cannot be reached
    FORBIDDEN = 5  # the API does not accept the credentials


def exit_of(error: SlipwayError) -> Exit:
    """The exit code for an error."""
    match error:
        case ApiError(status=401 | 403):
            return Exit.FORBIDDEN
        case ApiError(status=status) if status >= 500:
            return Exit.UNAVAILABLE
        case ConfigError() | PackageError():
            return Exit.INVALID
        case UnavailableError():
            return Exit.UNAVAILABLE
        case _:
            return Exit.REFUSED


def explain_system(error: OSError) -> None:
    """Print an error of the operating system, such as a full disk, with the file that it is about."""
    reason = error.strerror or str(error)
    text = reason if error.filename is None else f"{error.filename}: {reason}"
    Console(stderr=True).print(f"[red]error:[/] {escape(text)}", soft_wrap=True)


def explain(error: SlipwayError) -> None:
    """Print an error to standard error, with one line per invalid field."""
    console = Console(stderr=True)
    match error:
        case InputError(problems=problems):
            lines = [f"[bold]{escape(problem.field)}[/]: {escape(problem.message)}" for problem in problems]
            console.print("[red]error:[/] " + "\n       ".join(lines), soft_wrap=True)
        case _:
            console.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
