"""Removes the parts of installed packages that serving does not need, for bundles and for the image.

Imports only the standard library, because the image's build runs ``python stripping.py FOLDER SERVICE…``
before it copies the rest of Slipway.
"""

import shutil
import sys
from collections.abc import Collection
from pathlib import Path

_UNNEEDED_FOLDERS = (
    "bin",
    "*-stubs",
    "*/tests",
    # Slipway does not batch, cache or fetch with Powertools.
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
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "pyarrow/include",
    "pyarrow/src",
)
_QUANTIZATION = "onnxruntime/quantization"
"""Needs the package onnx, which only what trains has."""
_UNNEEDED_FILES = (
    ".lock",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.a",
    "**/*.h",
    "numpy/_core/_*_tests.*.so",
    "numpy/_core/_simd.*.so",
    "**/*.pxi",
    # Parquet files are read and written, and nothing is queried, served or fetched with Arrow. Of copies of a library,
    # the one that the others name stays.
    "pyarrow/*.so.*.*.*",
    "pyarrow/libarrow_python*.so",
    *(f"pyarrow/libarrow_{library}.so*" for library in ("flight", "python_flight", "python_parquet_encryption", "s3")),
    *(
        f"pyarrow/_{module}.*"
        for module in (
            *("acero", "azurefs", "cuda", "dataset", "dataset_orc", "dataset_parquet", "dataset_parquet_encryption"),
            *("flight", "gcsfs", "hdfs", "orc", "parquet_encryption", "pyarrow_cpp_tests", "s3fs", "substrait"),
        )
    ),
    # Python's extension module has this library linked in.
    "onnxruntime/capi/libonnxruntime.so*",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
)


# Mangum and FastAPI do the routing; the API's page needs only the Swagger UI files of Powertools' event handler.
_ROUTING = "aws_lambda_powertools/event_handler"


def strip_packages(folder: Path, *, aws_services: Collection[str], with_page: bool = False) -> None:
    """Strip the packages in ``folder``, keeping only ``aws_services`` of the 400 services that botocore describes.

    ``with_page`` keeps the Swagger UI files that the API's page needs.
    """
    _strip_routing(folder / _ROUTING, with_page=with_page)
    quantizes = (folder / "onnx").is_dir()
    for pattern in _UNNEEDED_FOLDERS if quantizes else (*_UNNEEDED_FOLDERS, _QUANTIZATION):
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
