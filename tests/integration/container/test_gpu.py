"""A GPU that was asked for and cannot be used."""

from pathlib import Path

import pytest
from support.packages import make_text_package

from container.app import make_slot
from container.settings import Settings
from slipway.errors import ConfigError

CONFIG = """
models:
  tiny-sentiment: {tier: heavy, versions: [1], stable: 1, heavy: {compute: gpu}}
network: {nat_gateways: 1}
"""


@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider' is not in available")
def test_without_a_gpu_the_container_does_not_go_on_on_the_processor(tmp_path: Path) -> None:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    make_text_package(tmp_path / "models/tiny-sentiment/1")
    settings = Settings.of(
        {
            "SLIPWAY_ROOT": str(tmp_path),
            "SLIPWAY_MODEL": "tiny-sentiment",
            "SLIPWAY_SLOT": "blue",
            "SLIPWAY_VERSION": "1",
        }
    )
    with pytest.raises(ConfigError, match=r"models\.tiny-sentiment\.heavy\.compute: is gpu, .* CUDAExecutionProvider"):
        make_slot(settings)
