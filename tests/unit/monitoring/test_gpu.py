import pytest

from slipway.monitoring.telemetry.gpu import gpu_utilization


@pytest.mark.parametrize(
    ("said", "percent"),
    [("37\n", 37.0), ("10\n90\n", 50.0), ("", None), ("[N/A]\n", None), ("None found", None)],
)
def test_the_mean_over_gpus(said: str, percent: float | None) -> None:
    assert gpu_utilization(["printf", "%s", said]) == percent


def test_without_the_tool_there_is_none() -> None:
    assert gpu_utilization(["no-such-tool-as-this"]) is None
    assert gpu_utilization(["false"]) is None
