"""Build the documentation site: ``python docs/site/build.py PYTHON`` writes build/docs/site.

The pages are those of docs/, which people also read beside the code: what they say of files outside docs/ has no link
here. PYTHON is the interpreter of an environment with requirements/docs.lock, as `make docs` makes it.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from slipway.cli.commands import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CONFIG = DOCS / "site" / "zensical.toml"
BUILD = ROOT / "build" / "docs"
PAGES = BUILD / "pages"

API = ("slipway.load", "slipway.Model", "slipway.batch.scorer", "slipway.batch.TableScorer")
_HOMES = {"slipway.load": "slipway.models.embedded.load", "slipway.Model": "slipway.models.embedded.Model"}
_ERRORS = "slipway.errors"
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>(?!https?:|#)[^)#\s]+)(?P<heading>#[^)\s]+)?\)")
# Pages outside docs/ that are part of the site, and their names there.
OTHERS = {"README.md": "index.md", "CHANGELOG.md": "changes.md"}


def main(python: Path) -> None:
    """Write the pages and build the site; a warning fails."""
    shutil.rmtree(BUILD / "site", ignore_errors=True)
    shutil.rmtree(PAGES, ignore_errors=True)
    for source in sorted(DOCS.rglob("*")):
        if source.is_file() and not source.is_relative_to(DOCS / "site"):
            copy(source, PAGES / source.relative_to(DOCS))
    for name, place in OTHERS.items():
        copy(ROOT / name, PAGES / place)
    reference = PAGES / "reference"
    reference.mkdir()
    (reference / "python.md").write_text(python_reference(), encoding="utf-8")
    (reference / "commands.md").write_text(commands_reference(), encoding="utf-8")
    shutil.copy(CONFIG, BUILD / "zensical.toml")
    subprocess.run([python, "-m", "zensical", "build", "--clean", "--strict"], cwd=BUILD, check=True)


def copy(source: Path, place: Path) -> None:
    """Copy a file; in a page, links lead to pages of the site, and other files are only named."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".md":
        shutil.copy(source, place)
        return
    text = source.read_text(encoding="utf-8")
    place.write_text(_LINK.sub(lambda link: _in_site(link, source, place), text), encoding="utf-8")


def _in_site(link: re.Match[str], source: Path, place: Path) -> str:
    target = (source.parent / link["path"]).resolve()
    found = _place(target)
    if found is None:
        return link["text"]
    path = Path(*[".."] * len(place.parent.relative_to(PAGES).parts), found).as_posix()
    return f"{link['image']}[{link['text']}]({path}{link['heading'] or ''})"


def _place(target: Path) -> Path | None:
    if target.is_relative_to(DOCS) and target.is_file():
        return target.relative_to(DOCS)
    name = OTHERS.get(target.relative_to(ROOT).as_posix()) if target.is_relative_to(ROOT) else None
    return Path(name) if name else None


def python_reference() -> str:
    """The page of what an application imports; the text is that of the docstrings."""
    names = "\n\n".join(f"::: {_HOMES.get(name, name)}" for name in API)
    return f"# Python\n\n{names}\n\n# Errors\n\n::: {_ERRORS}\n    options:\n      show_root_heading: false\n"


def commands_reference() -> str:
    """The page of every command with every option, as Typer writes it."""
    command = typer.main.get_command(app)
    with typer.Context(command, info_name="slipway") as context:
        return get_docs_for_click(obj=command, ctx=context, name="slipway", title="Every option")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
