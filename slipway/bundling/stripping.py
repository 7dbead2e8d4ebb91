"""Takes out of installed packages what nothing needs that serves a prediction: for bundles and for the image.

Imports the standard library alone, since the image's build runs ``python stripping.py FOLDER SERVICE…``
before anything else of Slipway is there.
"""

import shutil
import sys
from collections.abc import Collection
from pathlib import Path

_UNNEEDED_FOLDERS = (
    "bin",
    "*-stubs",
    "*/tests",
    # Mangum and FastAPI route; nothing is batched, cached or fetched by Powertools.
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/metrics/provider/datadog",
    "aws_lambda_powertools/utilities/auth_alpha",
    "aws_lambda_powertools/utilities/batch",
    "aws_lambda_powertools/utilities/circuit_breaker",
    "aws_lambda_powertools/utilities/data_masking",
    "aws_lambda_powertools/utilities/feature_flags",
    "aws_lambda_powertools/utilities/idempotency",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parameters",
    "aws_lambda_powertools/utilities/streaming",
    "aws_lambda_powertools/utilities/validation",
    "fastapi/.agents",
    "numpy/_pyinstaller",
    "numpy/f2py",
    "numpy/**/tests",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/random/lib",
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)
_UNNEEDED_FILES = (
    ".lock",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.a",
    "**/*.h",
    "numpy/_core/_*_tests.*.so",
    "numpy/_core/_simd.*.so",
    # The module that Python loads links its own copy of this library.
    "onnxruntime/capi/libonnxruntime.so*",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
)


def strip_packages(folder: Path, *, aws_services: Collection[str]) -> None:
    """Strip what is installed in ``folder``; of the 400 services that botocore describes, keep ``aws_services``."""
    for pattern in _UNNEEDED_FOLDERS:
        for unneeded in list(folder.glob(pattern)):
            shutil.rmtree(unneeded, ignore_errors=True)
    for pattern in _UNNEEDED_FILES:
        for unneeded in list(folder.glob(pattern)):
            unneeded.unlink()
    for service in (folder / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in aws_services:
            shutil.rmtree(service)


if __name__ == "__main__":
    strip_packages(Path(sys.argv[1]), aws_services=sys.argv[2:])
