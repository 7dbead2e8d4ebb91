"""The fenced blocks of a document, so that tests run what it tells its readers to."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Block:
    """One block: its language, the file that it stands for (or None), its text."""

    language: str
    file: str | None
    text: str


def blocks_of(document: str) -> list[Block]:
    """All blocks of a document in docs/."""
    return [Block(*found) for found in _BLOCK.findall((DOCS / document).read_text(encoding="utf-8"))]


def section(document: str, title: str) -> list[Block]:
    """The blocks below ``## title`` of a document in docs/."""
    text = (DOCS / document).read_text(encoding="utf-8")
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    body = dict(zip(parts[1::2], parts[2::2], strict=True))[title]
    return [Block(*found) for found in _BLOCK.findall(body)]


def follow(blocks: list[Block], folder: Path) -> str:
    """Write the blocks that are files to ``folder`` and run those of the shell there; returns what they print."""
    printed = ""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks:
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
            printed += done.stdout
    return printed
