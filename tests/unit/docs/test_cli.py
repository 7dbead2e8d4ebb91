"""docs/cli.md names every command that there is, and no option that there is not."""

import re
from collections.abc import Iterator
from typing import Any

import typer
from support.documents import DOCS

from slipway.cli.commands import app

TEXT = (DOCS / "cli.md").read_text(encoding="utf-8")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """The path of each command below ``slipway``, with its options."""
    for name, inner in getattr(command, "commands", {}).items():
        if hasattr(inner, "commands"):
            yield from commands(inner, (*path, name))
        else:
            yield (*path, name), {option for parameter in inner.params for option in parameter.opts}


ALL = dict(commands(typer.main.get_command(app)))


def test_every_command_is_named() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `slipway ")]
    for path in ALL:
        group, name = " ".join(("slipway", *path[:-1])), path[-1]
        assert [row for row in rows if re.search(rf"`({group} )?{name}\b", row) and f"`{group} " in row], path


def test_no_option_is_named_that_no_command_has() -> None:
    options = {"--help"}.union(*ALL.values())
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", TEXT)) - options == set()
