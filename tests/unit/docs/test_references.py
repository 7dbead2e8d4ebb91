"""Everything that the documents refer to exists: pages, headings, files, modules, make targets, commands, options."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from support.documents import DOCS

from slipway.cli.commands import app

ROOT = DOCS.parent
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "recipes" / "README.md", *DOCS.rglob("*.md")])
HISTORY = ROOT / "CHANGELOG.md"  # it may name what is gone
SOURCES = ("slipway", "functions", "container", "infra", "local", "recipes", "benchmarks", "tests")
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")
FILE = re.compile(rf"`((?:{'|'.join(SOURCES)}|requirements|docs|examples|\.ci)/[\w./-]*)`")
SOURCE = re.compile(r"`([\w./-]+\.py)`")
MODULE = re.compile(rf"(?<![\w./-])((?:{'|'.join(SOURCES)})(?:\.[A-Za-z_]\w*)+)(?!\w*[/(-])")
SUFFIXES = ("yaml", "md", "py")
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
def test_sources_are_there(page: Path) -> None:
    for name in SOURCE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists() or (page.parent / name).exists() or name in source_names(), name


@cache
def source_names() -> set[str]:
    """The names of all Python files of the project, without their folders."""
    return {path.name for folder in SOURCES for path in (ROOT / folder).rglob("*.py")}


@each_page
def test_modules_are_there(page: Path) -> None:
    if page != HISTORY:
        assert [name for name in modules(page.read_text(encoding="utf-8")) if not resolves(name)] == []


@pytest.mark.parametrize("name", ["slipway.models.missing", "slipway.models.package.Missing", "recipes.missing"])
def test_a_module_that_is_gone_is_noticed(name: str) -> None:
    assert list(modules(f"See `{name}`.")) == [name]
    assert not resolves(name)


@pytest.mark.parametrize("name", ["slipway.models.package", "slipway.errors.InputError", "slipway.config.load_config"])
def test_modules_and_what_they_define_are_found(name: str) -> None:
    assert resolves(name)


def modules(text: str) -> Iterator[str]:
    """The dotted names in a text that begin with one of the project's packages."""
    return (name for name in MODULE.findall(text) if name.rpartition(".")[2] not in SUFFIXES)


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or something that a module defines."""
    if module_exists(name):
        return True
    module, _, attribute = name.rpartition(".")
    return module_exists(module) and hasattr(importlib.import_module(module), attribute)


def module_exists(name: str) -> bool:
    try:
        return bool(name) and importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is missing, or is no package
        return False


@each_page
def test_make_targets_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL))
    words = r"make ([a-z][a-z0-9 -]*)"
    named = [*re.findall(f"`{words}", text), *re.findall(f"^{words}", blocks, re.MULTILINE)]
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
