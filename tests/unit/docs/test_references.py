"""What the documents refer to is there: pages, headings, files, make targets, commands and their options."""

import re
from pathlib import Path

import pytest
import typer
from support.documents import DOCS

from slipway.cli.commands import app

ROOT = DOCS.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")
FILE = re.compile(r"`((?:slipway|functions|container|infra|local|training|benchmarks|tests|examples|\.ci)/[\w./-]*)`")
COMMAND = re.compile(r"(?:^|`)(slipway (?:[^`\n]|\\\n)*)", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        assert target.exists(), link[0]
        assert not link["heading"] or link["heading"] in anchors(target), link[0]


@each_page
def test_files_are_there(page: Path) -> None:
    names = FILE.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if not (ROOT / name).exists()] == []


@each_page
def test_make_targets_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL))
    named = [*re.findall(r"`make ([a-z][a-z -]*)", text), *re.findall(r"^make ([a-z][a-z -]*)", blocks, re.MULTILINE)]
    assert {target for names in named for target in names.split()} - targets == set()


@each_page
def test_commands_and_their_options_are_there(page: Path) -> None:
    for line in COMMAND.findall(page.read_text(encoding="utf-8")):
        command, words = typer.main.get_command(app), line.replace("\\\n", " ").split(" #")[0].split()[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not words or not hasattr(command, "commands") or not words[0].islower(), line
        options = {"--help"}.union(*(parameter.opts for parameter in command.params))
        options |= {option for parameter in command.params for option in parameter.secondary_opts}
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", " ".join(words))) - options == set(), line
