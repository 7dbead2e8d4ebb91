"""The documentation site has every page of docs/, and its pages lead nowhere else."""

import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.documents import DOCS, follow, section

BUILD = runpy.run_path(str(DOCS / "site" / "build.py"))
CONFIG = tomllib.loads((DOCS / "site" / "zensical.toml").read_text(encoding="utf-8"))["project"]
GENERATED = {"reference/commands.md", "reference/python.md"}


def named(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for place in entry.values():
            if isinstance(place, str):
                yield place
            else:
                yield from named(place)


def test_the_navigation_names_every_page() -> None:
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if "adr" not in page.parts}
    assert set(named(CONFIG["nav"])) == pages | GENERATED | set(BUILD["OTHERS"].values())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[packages](packages.md#the-seal)", "[packages](packages.md#the-seal)"),
        ("[the recipes](../recipes/README.md)", "the recipes"),
        ("[the overview](../README.md)", "[the overview](index.md)"),
        ("![a picture](images/overview.svg)", "![a picture](images/overview.svg)"),
        ("[semver](https://semver.org)", "[semver](https://semver.org)"),
    ],
)
def test_links_stay_in_the_site(written: str, shown: str) -> None:
    place = BUILD["PAGES"] / "models.md"
    links = BUILD["_LINK"].finditer(written)
    found = [BUILD["_in_site"](link, DOCS / "models.md", place) for link in links]
    assert found == [shown] or (not found and written == shown)


def test_every_command_has_its_options() -> None:
    text = BUILD["commands_reference"]()
    assert "### `slipway release start`" in text
    assert re.search(r"\* `-o, --option .*NAME=VALUE", text)


def test_the_first_model_is_made_as_its_tutorial_says(tmp_path: Path) -> None:
    for title in ("Train", "Make a package"):
        follow(section("tutorials/first-model.md", title), tmp_path)
    printed = follow(section("tutorials/first-model.md", "Name it"), tmp_path)
    assert "macro recall" in printed
    [block] = [each for each in section("tutorials/first-model.md", "Call it") if each.language == "python"]
    command = [sys.executable, "-c", block.text]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "barolo" in done.stdout
