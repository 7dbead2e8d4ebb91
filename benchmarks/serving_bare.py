"""The baseline server: FastAPI with `session.run` in the endpoint.

The endpoint has the container's path and body; `WORKERS` sets the number of worker processes.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slipway.models.manifest import Record
from slipway.models.package import Package

Encode = Callable[[Sequence[Record]], Any]


def bare_command(package: Package, workers: int = 1) -> list[str]:
    """The command that starts it for a package, on the port `PORT`."""
    return ["env", f"WORKERS={workers}", f"PACKAGE={package.folder}", sys.executable, "-m", "benchmarks.serving_bare"]


def make_bare_app() -> Any:
    """Create the app for the package in the folder `PACKAGE`."""
    import onnxruntime as ort
    from fastapi import FastAPI
    from pydantic import BaseModel

    from slipway.models.package import load_package

    package = load_package(Path(os.environ["PACKAGE"]))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = str(package.path(package.manifest.graph.file))
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    encode = _encoder(package)
    app = FastAPI()

    class Body(BaseModel):
        inputs: list[dict[str, float | str]]

    @app.post(f"/v1/models/{package.manifest.name}/predict")
    async def predict(body: Body) -> dict[str, Any]:
        return {"predictions": session.run(None, encode(body.inputs))[0].tolist()}

    @app.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    return app


def _encoder(package: Package) -> Encode:
    """Encode records as one matrix of floats, or as the tokens of one text."""
    import numpy as np

    names = package.manifest.graph.inputs
    if package.manifest.tokenizer is None:
        return lambda records: {names[0]: np.array([list(record.values()) for record in records], np.float32)}
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(package.path(package.manifest.tokenizer)))
    attributes = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}

    def encode(records: Sequence[Record]) -> dict[str, Any]:
        tokens = tokenizer.encode_batch([next(iter(record.values())) for record in records])
        return {name: np.array([getattr(each, attributes[name]) for each in tokens], np.int64) for name in names}

    return encode


def main() -> None:
    import uvicorn

    uvicorn.run(
        "benchmarks.serving_bare:make_bare_app",
        factory=True,
        workers=int(os.environ["WORKERS"]),
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
    )


if __name__ == "__main__":
    main()
