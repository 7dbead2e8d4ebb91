from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.compressible import box_rows, make_mlp_package, make_mood_package, mood_rows, write_jsonl

from slipway.models.compression.job import CompressionJob
from slipway.models.package import Package

MakeOrder = Callable[..., CompressionJob]


@pytest.fixture
def mlp(tmp_path: Path) -> Package:
    return make_mlp_package(tmp_path / "boxes" / "1")


@pytest.fixture
def moods(tmp_path: Path) -> Package:
    return make_mood_package(tmp_path / "moods" / "1")


@pytest.fixture
def box_file(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "boxes.jsonl", box_rows())


@pytest.fixture
def mood_file(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "moods.jsonl", mood_rows())


@pytest.fixture
def order(tmp_path: Path) -> MakeOrder:
    """An order for ``<tmp_path>/out/2`` with short latency measurements."""

    def make(original: Package, data: Path, **options: Any) -> CompressionJob:
        return CompressionJob(
            original, data, tmp_path / "out" / "2", command="slipway model test", seconds=0.02, **options
        )

    return make
