import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.emulator.function_folders import Folders
from local.environment.settings import memory_folder

Fill = Callable[[int], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Sets the free bytes of every disk."""
    usage = shutil.disk_usage("/")
    return lambda number: monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=number))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    folder = memory_folder(tmp_path)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_code_is_unpacked_on_the_disk(tmp_path: Path, free: Fill) -> None:
    free(10**9)

    made = Path(Folders(tmp_path).mkdtemp(prefix="function-"))

    assert made.is_dir()
    assert made.parent == tmp_path


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="only Linux has it")  # noqa: S108
def test_code_is_unpacked_in_memory_where_the_disk_is_full(tmp_path: Path, free: Fill, memory: Path) -> None:
    free(0)

    made = Path(Folders(tmp_path).mkdtemp(prefix="function-"))

    assert made.is_dir()
    assert made.parent == memory != memory_folder(tmp_path / "another")


def test_where_there_is_no_such_memory_the_disk_has_to_do(
    tmp_path: Path, free: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(0)
    monkeypatch.setattr("local.emulator.function_folders.memory_folder", lambda _: tmp_path / "none" / "of")

    assert Path(Folders(tmp_path).mkdtemp(prefix="function-")).parent == tmp_path
