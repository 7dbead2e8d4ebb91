"""Which command of the image runs."""

import subprocess
import sys

import pytest

from container import __main__ as image
from container import serve


@pytest.mark.parametrize(("arguments", "passed"), [([], []), (["serve"], []), (["serve", "x"], ["x"])])
def test_a_slot_is_served_by_default(monkeypatch: pytest.MonkeyPatch, arguments: list[str], passed: list[str]) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(serve, "main", lambda rest: given.append(list(rest)) or 7)

    assert image.main(arguments) == 7
    assert given == [passed]


def test_an_unknown_command_is_refused_by_name() -> None:
    ended = subprocess.run([sys.executable, "-m", "container", "bach"], capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "no command bach" in ended.stdout + ended.stderr
