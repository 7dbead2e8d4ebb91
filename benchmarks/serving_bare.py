"""What somebody writes first: FastAPI with `session.run` in the endpoint, one worker. The server to beat.

The graph takes one matrix of floats; the endpoint takes the container's path and body.
"""

import os
import sys
from typing import Any

from slipway.models.package import Package


def bare_command(package: Package) -> list[str]:
    """Starts it for a package, at PORT."""
    graph = package.path(package.manifest.graph.file)
    return [sys.executable, "-m", "benchmarks.serving_bare", str(graph), package.manifest.graph.inputs[0]]


def make_bare_app(graph: str, matrix: str, model: str) -> Any:
    import numpy as np
    import onnxruntime as ort
    from fastapi import FastAPI
    from pydantic import BaseModel

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    app = FastAPI()

    class Body(BaseModel):
        inputs: list[dict[str, float]]

    @app.post(f"/v1/models/{model}/predict")
    async def predict(body: Body) -> dict[str, Any]:
        rows = np.array([list(record.values()) for record in body.inputs], np.float32)
        return {"predictions": session.run(None, {matrix: rows})[0].tolist()}

    @app.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    return app


def main() -> None:
    import uvicorn

    app = make_bare_app(sys.argv[1], sys.argv[2], os.environ["SLIPWAY_MODEL"])
    port = int(os.environ["PORT"])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="error", access_log=False)


if __name__ == "__main__":
    main()
