from pathlib import Path

from slipway.serving.settings import Settings


def test_an_environment_becomes_settings() -> None:
    environment = {
        "LAMBDA_TASK_ROOT": "/var/task",
        "SLIPWAY_FEATURES_TABLE": "f",
        "SLIPWAY_CONTROL_TABLE": "",
        "X": "y",
    }
    assert Settings.of(environment) == Settings(root=Path("/var/task"), features_table="f")


def test_outside_lambda_the_root_is_here() -> None:
    assert Settings.of({}) == Settings(root=Path())


def test_a_published_version_knows_its_number() -> None:
    assert Settings.of({"AWS_LAMBDA_FUNCTION_VERSION": "7"}).code_version == "7"


def test_a_process_that_is_to_be_snapshot_knows() -> None:
    assert Settings.of({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}).snapshot
    assert not Settings.of({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}).snapshot
