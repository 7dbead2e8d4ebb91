from pathlib import Path

import pytest

from local.environment.synthesis import fingerprint_of

CONFIG = "models:\n  m:\n    path: build/m\n    versions: [1]\n    stable: 1\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A minimal checkout."""
    for name, text in {
        "slipway.yaml": CONFIG,
        "app.py": "app",
        "infra/stack.py": "stack",
        "build/m/1/model.yaml": "model",
        "build/lambda/x.py": "built",
        "tests/test_x.py": "test",
        ".slipway/local.json": "{}",
        "infra/__pycache__/stack.pyc": "cache",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["app.py", "infra/stack.py", "slipway.yaml", "build/m/1/model.yaml"])
def test_a_changed_input_changes_it(root: Path, name: str) -> None:
    before = fingerprint_of(root, root / "slipway.yaml")
    (root / name).write_text((root / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")

    assert fingerprint_of(root, root / "slipway.yaml") != before


@pytest.mark.parametrize("name", ["infra/new.py", "own_task.py", "recipes/own.py"])
def test_a_new_input_changes_it(root: Path, name: str) -> None:
    before = fingerprint_of(root, root / "slipway.yaml")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("new", encoding="utf-8")

    assert fingerprint_of(root, root / "slipway.yaml") != before


def test_a_renamed_input_changes_it(root: Path) -> None:
    before = fingerprint_of(root, root / "slipway.yaml")
    (root / "infra/stack.py").rename(root / "infra/stacks.py")

    assert fingerprint_of(root, root / "slipway.yaml") != before


@pytest.mark.parametrize(
    "name", ["tests/test_x.py", "build/lambda/x.py", ".slipway/local.json", "infra/__pycache__/stack.pyc"]
)
def test_what_synthesis_does_not_read_does_not(root: Path, name: str) -> None:
    before = fingerprint_of(root, root / "slipway.yaml")
    (root / name).write_text("changed", encoding="utf-8")

    assert fingerprint_of(root, root / "slipway.yaml") == before
