"""docs/embedded.md, typed in an environment that has only what it says to install."""

import json
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from support.documents import blocks_of
from support.environments import create_environment, run, uv

# Of AWS, the web and the command line: by the names under which they are imported.
FOREIGN = {
    "aws_lambda_powertools",
    "aws_xray_sdk",
    "boto3",
    "botocore",
    "fastapi",
    "httpx",
    "httpx2",
    "mangum",
    "requests",
    "rich",
    "starlette",
    "tenacity",
    "typer",
    "uvicorn",
}
BLOCKS = blocks_of("embedded.md")
SEPARATOR = "-- the next block --"
REPORT = f"""
import importlib.util, json, sys
print({SEPARATOR!r})
print(json.dumps({{
    "imported": sorted({{name.partition(".")[0] for name in sys.modules}}),
    "installed": [name for name in {sorted(FOREIGN)!r} if importlib.util.find_spec(name)],
    "slipway": slipway.__file__,
}}))
"""


@dataclass(frozen=True)
class Followed:
    """What the document's Python blocks, run as one program, printed and left behind."""

    printed: list[str]
    imported: set[str]
    installed: list[str]
    slipway: Path


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with what the document's `pip install` lines bring."""
    python = create_environment(tmp_path_factory.mktemp("embedded") / "venv")
    lines = [line for block in BLOCKS if block.language == "sh" for line in block.text.splitlines()]
    for line in lines:
        # uv builds a folder anew only when told to.
        uv(*shlex.split(line), "--quiet", "--refresh-package", "slipway", "--python", str(python))
    return python


@pytest.fixture(scope="module")
def followed(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    programs = [block.text for block in BLOCKS if block.language == "python"]
    script = tmp_path_factory.mktemp("program") / "program.py"
    script.write_text(f"print({SEPARATOR!r})\n".join(programs) + REPORT, encoding="utf-8")
    *printed, report = run([str(python), str(script)]).stdout.split(f"{SEPARATOR}\n")
    left = json.loads(report)
    return Followed(printed, set(left["imported"]), left["installed"], Path(left["slipway"]))


def test_each_block_prints_what_the_document_says(followed: Followed) -> None:
    said = [text.text for code, text in pairwise(BLOCKS) if (code.language, text.language) == ("python", "text")]
    assert followed.printed == said
    assert len(said) == sum(block.language == "python" for block in BLOCKS)


def test_the_installed_package_answered(followed: Followed, python: Path) -> None:
    assert followed.slipway.is_relative_to(python.parents[1])


def test_nothing_of_aws_the_web_or_the_command_line_is_imported(followed: Followed) -> None:
    assert followed.imported & FOREIGN == set()
    assert {"numpy", "onnxruntime", "pydantic", "tokenizers", "yaml"} <= followed.imported


def test_nor_is_it_installed(followed: Followed) -> None:
    assert followed.installed == []


def test_the_metadata_requires_five_packages_and_each_is_locked(python: Path) -> None:
    code = (
        "import importlib.metadata as metadata, re\n"
        "needed = [each for each in metadata.requires('slipway') if 'extra ==' not in each]\n"
        "names = [re.split('[^A-Za-z0-9-]', each)[0] for each in needed]\n"
        "print(sorted(names))\n"
        "for name in names: metadata.version(name)\n"
    )
    assert run([str(python), "-I", "-c", code]).stdout == (
        "['numpy', 'onnxruntime', 'pydantic', 'pyyaml', 'tokenizers']\n"
    )


def test_the_command_line_names_its_extra(python: Path) -> None:
    said = "error: typer is not installed; run `pip install 'slipway[cli]'`\n"
    assert run([str(python.with_name("slipway")), "--help"], exit_code=1).stderr == said
    assert run([str(python), "-m", "slipway", "model", "list"], folder=python.parent, exit_code=1).stderr == said


def test_importing_slipway_imports_none_of_its_libraries(python: Path) -> None:
    code = "import slipway, sys; print(sorted({'numpy', 'onnxruntime', 'pydantic', 'yaml'} & sys.modules.keys()))"
    assert run([str(python), "-I", "-c", code]).stdout == "[]\n"
