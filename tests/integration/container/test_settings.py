"""The container's environment."""

from pathlib import Path

import pytest

from container.settings import Settings
from slipway.errors import ConfigError

NEEDED = {"SLIPWAY_MODEL": "big", "SLIPWAY_VERSION": "3"}


def test_an_environment_becomes_settings() -> None:
    environment = {
        **NEEDED,
        "SLIPWAY_SLOT": "green",
        "SLIPWAY_ROOT": "/app",
        "SLIPWAY_HOST": "10.0.0.1",
        "PORT": "80",
        "SLIPWAY_MODEL_BUCKET": "b",
        "SLIPWAY_CONTROL_TABLE": "c",
        "SLIPWAY_FEATURES_TABLE": "",
        "SLIPWAY_PREDICTIONS_TABLE": "p",
        "SLIPWAY_BALANCER": "http://balancer",
        "SLIPWAY_DOWNLOADS": "/data",
        "SLIPWAY_DRAIN_SECONDS": "2.5",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces",
        "HOME": "/root",
    }
    assert Settings.of(environment) == Settings(
        model="big",
        version=3,
        slot="green",
        root=Path("/app"),
        host="10.0.0.1",
        port=80,
        model_bucket="b",
        control_table="c",
        predictions_table="p",
        balancer="http://balancer",
        downloads=Path("/data"),
        drain_seconds=2.5,
        traces_endpoint="http://127.0.0.1:4318/v1/traces",
    )


def test_what_is_not_said_has_a_default() -> None:
    settings = Settings.of(NEEDED)
    assert (settings.slot, settings.root, settings.host, settings.port) == ("blue", Path(), "127.0.0.1", 8080)
    assert settings.traces_endpoint is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"SLIPWAY_MODEL": ""}, "SLIPWAY_MODEL"),
        ({"SLIPWAY_VERSION": "latest"}, "SLIPWAY_VERSION"),
        ({"SLIPWAY_VERSION": "0"}, "SLIPWAY_VERSION"),
        ({"SLIPWAY_SLOT": "red"}, "SLIPWAY_SLOT"),
        ({"PORT": "99999"}, "PORT"),
        ({"SLIPWAY_BALANCER": "balancer"}, "SLIPWAY_BALANCER"),
        ({"SLIPWAY_DRAIN_SECONDS": "-1"}, "SLIPWAY_DRAIN_SECONDS"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.of({**NEEDED, **changed})
    assert [problem.field for problem in caught.value.problems] == [named]
