"""The public tritonclient package, unmodified, against the app of the function `predict` on a real server."""

import socket
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import uvicorn
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException


@pytest.fixture
def triton(start) -> Iterator[InferenceServerClient]:
    start("predict")
    app = sys.modules["functions.predict.handler"]._http.app
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # clients may connect before the server is up
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        client = InferenceServerClient(f"127.0.0.1:{listener.getsockname()[1]}")
        yield client
        client.close()
        server.should_exit = True
        thread.join()


def texts(*values: str, binary: bool = True) -> InferInput:
    tensor = InferInput("text", [len(values), 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[value] for value in values], dtype=object), binary_data=binary)
    return tensor


def test_health_and_metadata(triton: InferenceServerClient) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("tiny-sentiment")
    assert triton.is_model_ready("tiny-sentiment", "1")
    assert not triton.is_model_ready("tiny-sentiment", "2")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data", "model_configuration", "statistics"]
    assert triton.get_model_metadata("tiny-tabular")["inputs"][0]["datatype"] == "FP64"


@pytest.mark.parametrize("binary", [True, False])
def test_texts(triton: InferenceServerClient, binary: bool) -> None:
    result = triton.infer("tiny-sentiment", [texts("good", "awful — é", binary=binary)], request_id="call-1")
    assert result.as_numpy("label").tolist() == [b"positive", b"negative"]
    assert result.as_numpy("scores").shape == (2, 3)
    assert result.as_numpy("scores").sum(axis=1) == pytest.approx([1, 1], abs=1e-4)
    assert result.get_response()["id"] == "call-1"
    assert result.get_response()["model_version"] == "1"


def test_statistics_begin_with_the_first_request_from_outside(triton: InferenceServerClient) -> None:
    def done(model: str = "tiny-sentiment", version: str = "1") -> tuple[int, int]:
        found = triton.get_inference_statistics(model, version)["model_stats"]
        (own,) = (each for each in found if (each["name"], each["version"]) == ("tiny-sentiment", "1"))
        return own["inference_count"], own["inference_stats"]["success"]["count"]

    assert done() == (0, 0)
    triton.infer("tiny-sentiment", [texts("good", "awful")])
    assert done() == done(version="") == done("", "") == (2, 1)


def test_requested_outputs(triton: InferenceServerClient) -> None:
    wanted = [InferRequestedOutput("score", binary_data=False), InferRequestedOutput("label")]
    result = triton.infer("tiny-sentiment", [texts("good")], outputs=wanted, model_version="1")
    assert [output["name"] for output in result.get_response()["outputs"]] == ["score", "label"]
    assert result.as_numpy("label").tolist() == [b"positive"]
    assert result.as_numpy("scores") is None


@pytest.mark.parametrize(("datatype", "dtype"), [("FP32", np.float32), ("FP64", np.float64), ("INT64", np.int64)])
def test_numbers(triton: InferenceServerClient, datatype: str, dtype: type) -> None:
    inputs = []
    for name in ("radius", "smooth"):
        tensor = InferInput(name, [2], datatype)
        tensor.set_data_from_numpy(np.array([0, 20], dtype=dtype))
        inputs.append(tensor)
    age = InferInput("age", [2], "INT64")
    age.set_data_from_numpy(np.array([1, 2], dtype=np.int64))
    result = triton.infer("tiny-tabular", [*inputs, age])
    assert result.as_numpy("label").tolist() == [b"no", b"yes"]


def test_errors(triton: InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="no model 'nope'") as unknown:
        triton.infer("nope", [texts("good")])
    assert unknown.value.status() == "404"
    number = InferInput("text", [1], "FP32")
    number.set_data_from_numpy(np.array([1], dtype=np.float32))
    with pytest.raises(InferenceServerException, match="must be BYTES"):
        triton.infer("tiny-sentiment", [number])


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed_requests_and_answers(triton: InferenceServerClient, algorithm: str) -> None:
    made = triton.infer(
        "tiny-sentiment",
        [texts("good", "awful")],
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert made.as_numpy("label").tolist() == [b"positive", b"negative"]


def test_the_repository_and_a_configuration(triton: InferenceServerClient) -> None:
    listed = {each["name"]: each for each in triton.get_model_repository_index()}
    assert listed["tiny-sentiment"] == {"name": "tiny-sentiment", "version": "1", "state": "READY", "reason": ""}
    config = triton.get_model_config("tiny-sentiment", "1")
    assert config == triton.get_model_config("tiny-sentiment")
    assert config["input"] == [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}]
    assert {each["name"]: (each["data_type"], each["dims"]) for each in config["output"]}["scores"] == (
        "TYPE_FP32",
        [3],
    )
    assert config["max_batch_size"] == 128
