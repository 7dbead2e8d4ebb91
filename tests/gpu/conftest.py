"""These tests need an NVIDIA GPU, `onnxruntime-gpu` and PyTorch; only `make test-gpu` finds them."""

from pathlib import Path

import onnxruntime
import pytest
import torch

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def gpu() -> str:
    """The GPU's name. Without one, everything here fails: a test that passes over it would say nothing."""
    assert torch.cuda.is_available(), "PyTorch finds no GPU"
    assert "CUDAExecutionProvider" in onnxruntime.get_available_providers(), "this is not onnxruntime-gpu"
    return torch.cuda.get_device_name()
