"""A function's bundle has what its code can import, and no other module."""

from pathlib import Path

import pytest

from slipway.bundling.sources import imported_files

FILES = {
    "functions/one/handler.py": "from slipway.near import thing\nimport slipway.deep.leaf\n",
    "functions/one/settings.py": "",
    "functions/two/handler.py": "import json\n",
    "slipway/__init__.py": "",
    "slipway/near.py": "def thing():\n    from slipway.late import later\n    return later\n",
    "slipway/late.py": "from slipway import near\n",
    "slipway/deep/__init__.py": "from slipway.deep import beside\n",
    "slipway/deep/leaf.py": "",
    "slipway/deep/beside.py": "",
    "slipway/deep/other.py": "",
    "slipway/far.py": "",
    "slipway/cli/app.py": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_all_that_is_imported_is_there_however_deep_or_late(root: Path) -> None:
    found = imported_files(root, "functions/one")
    assert list(found) == [
        "functions/one/handler.py",
        "functions/one/settings.py",
        "slipway/__init__.py",
        "slipway/deep/__init__.py",
        "slipway/deep/beside.py",
        "slipway/deep/leaf.py",
        "slipway/late.py",
        "slipway/near.py",
    ]
    assert found["slipway/near.py"] == root / "slipway/near.py"


def test_a_function_that_imports_nothing_of_ours_is_alone(root: Path) -> None:
    assert list(imported_files(root, "functions/two")) == ["functions/two/handler.py"]


def test_what_only_a_laptop_needs_is_left_out_even_where_it_is_named(root: Path) -> None:
    (root / "functions/two/handler.py").write_text("def later():\n    from slipway.cli import app\n")
    assert list(imported_files(root, "functions/two")) == ["functions/two/handler.py", "slipway/__init__.py"]


def test_an_installed_package_lies_apart_from_its_functions_and_beside_others(root: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    (installed / "other").mkdir(parents=True)
    (installed / "other/__init__.py").write_text("import slipway.far\n")
    (root / "slipway").rename(installed / "slipway")
    (root / "functions/two/handler.py").write_text("import other\nfrom slipway.near import thing\n")

    found = imported_files(root, "functions/two", package=installed)

    assert list(found) == ["functions/two/handler.py", "slipway/__init__.py", "slipway/late.py", "slipway/near.py"]
    assert found["functions/two/handler.py"] == root / "functions/two/handler.py"
    assert found["slipway/near.py"] == installed / "slipway/near.py"
