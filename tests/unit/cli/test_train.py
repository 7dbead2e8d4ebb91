"""`slipway train start --local`: what it prints and how it ends."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
from support.training import flipped, frame_of, points, workplace

from slipway.cli import main
from slipway.training.ports import Example

CONFIG = """
models:
  points:
    versions: [1]
    stable: 1
    gates: {{ max_package_bytes: 100000 }}
    training: {{ recipe: "{module}:train", window_days: 3, min_new_labels: 100 }}
  untrained: {{ versions: [1], stable: 1 }}
"""
Slipway = Callable[..., int]


@pytest.fixture
def slipway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> Slipway:
    module = "cli_" + re.sub(r"\W", "_", request.node.name)
    workplace(tmp_path, module, [])
    (tmp_path / "slipway.yaml").write_text(CONFIG.format(module=module), encoding="utf-8")
    write(tmp_path / "labels.csv", points(600, boundary=0.4))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["slipway", "train", "start", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


def write(path: Path, examples: list[Example]) -> None:
    times = pandas.Series([each.time.isoformat() for each in examples], name="time")
    frame_of(examples).assign(time=times).to_csv(path, index=False)


def test_what_passes_is_the_next_version(slipway: Slipway, capsys: pytest.CaptureFixture[str]) -> None:
    assert slipway("points", "--local", "--data", "labels.csv") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "600 labels since 2026-03-01 00:00 UTC, of which the newest 120 since 2026-03-01 08:00 UTC are kept" in out
    assert "Version 2 of points is in models/points/2. `slipway model register points 2` registers it." in out
    assert Path("models/points/2/model.yaml").is_file()


def test_json_says_the_same(slipway: Slipway, capsys: pytest.CaptureFixture[str]) -> None:
    assert slipway("points", "--local", "--data", "labels.csv", "--run", "mine", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["outcome"], document["version"], document["run"]["id"]) == ("registered", 2, "mine")
    assert document["check"]["passed"] is True
    assert (document["data"]["rows"], document["data"]["train_rows"]) == (600, 480)


def test_poisoned_labels_are_refused_with_exit_code_1(slipway: Slipway, capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("labels.csv"), flipped(points(600)))
    assert slipway("points", "--local", "--data", "labels.csv", "--run", "bad") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "failed agreement:" in out
    assert "failed label order:" in out
    assert "Not registered. Its package is in build/training/points/runs/bad/package." in out
    assert not Path("models/points/2").exists()


def test_too_few_labels_are_no_error(slipway: Slipway, capsys: pytest.CaptureFixture[str]) -> None:
    assert slipway("points", "--local", "--data", "labels.csv", "--until", "2026-03-01T01:00:00") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out == (
        "Nothing was trained: the window from 2026-02-26 01:00 to 2026-03-01 01:00 UTC has 60 new labels, and "
        "`training.min_new_labels` asks for 100."
    )


def test_a_run_by_its_name_goes_on(slipway: Slipway, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert slipway("points", "--local", "--data", "labels.csv", "--run", "mine", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["version"] == second["version"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["points", "--data", "labels.csv"], "--data: is for runs on this machine; give --local, too"),
        (["points", "--min-new-labels", "5"], "--min-new-labels: is for runs on this machine; give --local, too"),
        (["points", "--local", "--data", "labels.csv", "-m", "why"], "--reason: is for runs in the account"),
        (["points", "--local", "--data", "labels.csv", "--by", "ann"], "--by: is for runs in the account"),
        (["points", "--local"], "--local: needs --data FILE"),
        (["untrained", "--local", "--data", "labels.csv"], "models.untrained.training: is not set in slipway.yaml"),
        (["points", "--local", "--data", "none.csv"], "none.csv: No such file or directory"),
        (["points", "--local", "--data", "labels.csv", "--entity", "shop=x"], "--entity: needs --history"),
        (["points", "--local", "--data", "labels.csv", "--history", "h"], "needs --entity ENTITY=COLUMN"),
        (["points", "--local", "--data", "labels.csv", "--version", "7"], "no package of points 'models/points/7'"),
    ],
    ids=["no-local", "labels", "reason", "by", "no-data", "untrained", "no-file", "entity", "history", "version"],
)
def test_mistakes_are_explained(
    slipway: Slipway, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert slipway(*arguments) == 1
    assert said in " ".join(capsys.readouterr().err.split())
