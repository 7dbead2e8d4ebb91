"""`slipway smoke` holds an API to the golden records of the packages beside slipway.yaml."""

import json
import shutil
import sys
from collections import defaultdict
from copy import deepcopy
from pathlib import Path

import pytest

from slipway.cli import main

ROOT = Path(__file__).parents[3]
MODEL = "breast-cancer"
PATH = f"POST /v1/models/{MODEL}/versions/1/predict"
GOLDEN = json.loads((ROOT / "models" / MODEL / "1" / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "slipway.yaml").write_text(f"models: {{{MODEL}: {{versions: [1, 7], stable: 1}}}}", encoding="utf-8")
    (tmp_path / "models" / MODEL).mkdir(parents=True)
    (tmp_path / "models" / MODEL / "1").symlink_to(ROOT / "models" / MODEL / "1")
    monkeypatch.chdir(tmp_path)


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", "smoke", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


class Batches(dict):
    """The answers of the API to one batch after the other."""

    def __init__(self, predictions: list[dict]) -> None:
        self._left = [predictions[at : at + GOLDEN["batch"]] for at in range(0, len(predictions), GOLDEN["batch"])]

    def __getitem__(self, call: str) -> tuple[int, dict]:
        assert call == PATH
        return 200, {"predictions": self._left.pop(0)}


def answers() -> list[dict]:
    return [{"id": "x", "version": 1, "cached": False, **each["expected"]} for each in GOLDEN["records"]]


@pytest.mark.usefixtures("project")
def test_an_api_that_answers_as_the_package_says(fake_api, monkeypatch, capsys):
    fake_api.answers = Batches(answers())
    assert run(monkeypatch, "--json") == 0
    [found] = json.loads(capsys.readouterr().out)  # version 7 is in the registry alone
    assert (found["model"], found["version"], found["largest"], found["wrong"]) == (MODEL, 1, 0.0, None)
    sent = [record for _, _, body, _ in fake_api.calls for record in body["inputs"]]
    assert sent == [each["record"] for each in GOLDEN["records"]]


@pytest.mark.usefixtures("project")
def test_one_score_that_differs_is_named(fake_api, monkeypatch, capsys):
    wrong = deepcopy(answers())
    wrong[3]["scores"]["malignant"] += 0.01
    fake_api.answers = Batches(wrong)
    assert run(monkeypatch) == 1
    assert "breast-cancer 1: record 4 of" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_version_that_is_not_served_is_named(fake_api, monkeypatch, capsys):
    fake_api.answers[PATH] = (404, {"title": "There is no version 1 of breast-cancer"})
    assert run(monkeypatch) == 1
    assert "breast-cancer 1: There is no version 1 of breast-cancer (HTTP 404)" in capsys.readouterr().out


def test_a_checkout_without_packages_does_not_pass(fake_api, monkeypatch, tmp_path, capsys):
    (tmp_path / "slipway.yaml").write_text(f"models: {{{MODEL}: {{versions: [1], stable: 1}}}}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch) == 1
    assert "`slipway model pull` fetches packages" in " ".join(capsys.readouterr().err.split())
    assert not fake_api.calls


@pytest.mark.parametrize("stable", [1, 2])
def test_of_a_heavy_model_the_version_that_serves_is_asked(fake_api, monkeypatch, tmp_path, capsys, stable):
    text = f"models: {{{MODEL}: {{tier: heavy, versions: [1, 2], stable: 1}}}}"
    (tmp_path / "slipway.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "models" / MODEL, tmp_path / "models" / MODEL)
    monkeypatch.chdir(tmp_path)
    fake_api.answers = defaultdict(lambda: (404, {"title": "not there"}))
    fake_api.answers[f"GET /v1/models/{MODEL}"] = (200, {"release": {"stable": stable}})
    run(monkeypatch, "--json")
    assert [each["version"] for each in json.loads(capsys.readouterr().out)] == [stable]
