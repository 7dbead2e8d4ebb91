"""An export takes its folder whole, and leaves an earlier one until it does."""

import shutil
from pathlib import Path

import pytest

from slipway.edge.folders import whole_folder

MARKER = "model.json"


def _export(folder: Path, text: str) -> None:
    with whole_folder(folder, marker=MARKER) as draft:
        (draft / MARKER).write_text(text)


def test_an_export_replaces_an_earlier_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    _export(tmp_path / "out", "old")
    (tmp_path / "out" / "more").touch()
    _export(tmp_path / "out", "new")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert [each.read_text() for each in (tmp_path / "out").iterdir()] == ["new"]


def test_the_folder_may_be_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    _export(Path(), "new")
    assert (tmp_path / "out" / MARKER).read_text() == "new"


def test_the_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for text in ("old", "new"):
        _export(tmp_path / "link", text)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / MARKER).read_text() == "new"


def test_what_cannot_be_deleted_of_the_old_does_not_cost_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _export(tmp_path / "out", "old")
    whole = shutil.rmtree

    def leaving(path: Path, *, ignore_errors: bool) -> None:
        if "draft" in path.name or not path.exists():
            whole(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", leaving)
    _export(tmp_path / "out", "new")
    assert (tmp_path / "out" / MARKER).read_text() == "new"
