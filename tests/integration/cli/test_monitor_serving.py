"""`slipway monitor` and the console without a version, where a retraining was released and where none ever was."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.registered import CONFIG, OUTPUTS, REGISTERED, answered, monitor, registered_account
from support.releases.records import promoted

from slipway.cli.deployed import Deployed
from slipway.console.queries.lineage import all_versions
from slipway.console.queries.monitoring import Chosen, watched_of
from slipway.console.workspace import Workspace
from slipway.errors import InputError, NotFoundError, UnavailableError
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import pack
from slipway.releases.record.table import DynamoReleaseStore


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with registered_account(tmp_path, monkeypatch):
        yield


@pytest.fixture(params=[REGISTERED, 1], ids=["released", "never released"])
def serving(request: pytest.FixtureRequest) -> int:
    """The version that serves; only one that was released has a record."""
    Path("slipway.yaml").write_text(CONFIG.replace("stable: 1", "stable: 1, training: 'recipe:train'"))
    if request.param == REGISTERED:
        for model in ("tiny-price", "tiny-sentiment"):
            promoted(DynamoReleaseStore("control"), model, REGISTERED)
    version: int = request.param
    return version


def test_accuracy_is_of_the_version_that_serves(serving: int) -> None:
    assert monitor("accuracy", "tiny-sentiment", "--json")["version"] == serving


def test_labels_are_asked_for_captures_of_the_version_that_serves(serving: int) -> None:
    captures = [answered(number, serving) for number in range(5)]
    for key, content in pack(captures).items():
        CaptureBucket("captures").put(key, content)
    monitor("label", "tiny-sentiment", "--number", "1", "--shadow", typed="3\n")
    assert Path(f"human-tiny-sentiment-{serving}.jsonl").exists()


def test_the_accuracy_of_the_version_that_serves_is_acknowledged(serving: int) -> None:
    with pytest.raises(InputError, match=f"no alarm says that tiny-sentiment {serving} is less accurate"):
        monitor("acknowledge", "tiny-sentiment", "--accuracy")


def test_drift_without_records_is_of_the_version_that_serves(serving: int) -> None:
    with pytest.raises(NotFoundError, match=f"profile of 'tiny-price {serving} in"):
        monitor("drift", "tiny-price")


def test_a_file_beside_a_window_is_of_the_version_that_serves(serving: int) -> None:
    with pytest.raises(NotFoundError, match=f"profile of 'tiny-price {serving} in"):
        monitor("drift", "tiny-price", "--file", file_of_homes(), "--against", "6h")


@pytest.mark.parametrize(
    "words", [["drift", "tiny-price", "--file", "homes.csv"], ["profile", "homes.csv", "--model", "tiny-price"]]
)
def test_a_file_alone_is_of_the_version_of_slipway_yaml_and_no_deployment_is_asked(
    serving: int, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: str) -> Deployed:
        raise UnavailableError("Slipway", "AWS cannot be asked")

    monkeypatch.setattr("slipway.cli.monitor.drift_source.find_deployed", unreachable)
    file_of_homes()
    assert monitor(*words, "--json")["version"] == 1
    assert re.search(r"tiny-price\S* (version )?1\b", monitor(*words))


def test_the_console_looks_at_the_version_that_serves(serving: int) -> None:
    workspace = Workspace(Path("slipway.yaml"))
    assert watched_of(workspace, Chosen("tiny-sentiment")).version == serving


def test_the_lineage_marks_the_version_that_serves(serving: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.cli.model.registry_target.account_output", lambda _, name: OUTPUTS[name])
    found = all_versions(Workspace(Path("slipway.yaml")))
    assert [each.label for each in found if each.stable] == [
        f"tiny-price:{serving}",
        f"tiny-sentiment:{serving}",
        "tiny-tabular:1",
    ]


def file_of_homes() -> str:
    Path("homes.csv").write_text("rooms,area\n1,20\n2,30\n", encoding="utf-8")
    return "homes.csv"
