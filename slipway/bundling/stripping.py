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
    # Nothing is batched, cached or fetched by Powertools.
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


# Mangum and FastAPI route; of Powertools' own routing, the page of the API needs the files of Swagger UI.
_ROUTING = "aws_lambda_powertools/event_handler"


def strip_packages(folder: Path, *, aws_services: Collection[str], with_page: bool = False) -> None:
    """Strip what is installed in ``folder``; of the 400 services that botocore describes, keep ``aws_services``.

    ``with_page`` keeps the files of the page that shows the API.
    """
    _strip_routing(folder / _ROUTING, with_page=with_page)
    for pattern in _UNNEEDED_FOLDERS:
        for unneeded in list(folder.glob(pattern)):
            shutil.rmtree(unneeded, ignore_errors=True)
    for pattern in _UNNEEDED_FILES:
        for unneeded in list(folder.glob(pattern)):
            unneeded.unlink()
    for service in (folder / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in aws_services:
            shutil.rmtree(service)


def _strip_routing(folder: Path, *, with_page: bool) -> None:
    if not with_page:
        shutil.rmtree(folder, ignore_errors=True)
    for module in list(folder.rglob("*.py")):
        module.unlink()


if __name__ == "__main__":
    strip_packages(Path(sys.argv[1]), aws_services=sys.argv[2:])
