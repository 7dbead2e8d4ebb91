"""What is stripped from installed packages depends on what they are for."""

from pathlib import Path

import pytest

from slipway.bundling.stripping import strip_packages


@pytest.mark.parametrize("trains", [True, False])
def test_what_quantizes_stays_where_models_are_trained(trains: bool, tmp_path: Path) -> None:
    names = ["onnxruntime/capi/session.py", "onnxruntime/tools/convert.py", "onnxruntime/quantization/quantize.py"]
    for name in [*names, "onnx/__init__.py"] if trains else names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    for service in ("s3", "sqs"):
        (tmp_path / "botocore/data" / service).mkdir(parents=True)
    strip_packages(tmp_path, aws_services=["s3"])
    kept = ["onnx/__init__.py", "onnxruntime/capi/session.py", "onnxruntime/quantization/quantize.py"]
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py"))
    assert files == (kept if trains else kept[1:2])
    assert [path.name for path in (tmp_path / "botocore/data").iterdir()] == ["s3"]
