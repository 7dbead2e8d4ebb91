"""The Open Inference Protocol in JSON and in binary, by hand; the real client is in test_tritonclient."""

import json
import struct

import pytest
from starlette.testclient import TestClient

from slipway.errors import NotLoadedError

INFER = "/v2/models/tiny-sentiment/infer"
EXTENSIONS = ["binary_tensor_data", "model_configuration", "statistics"]


def tensor(name: str, datatype: str, data: list, shape: list[int] | None = None, **more) -> dict:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data, **more}


def outputs(answer) -> dict[str, dict]:
    assert answer.status_code == 200, answer.text
    return {output["name"]: output for output in answer.json()["outputs"]}


def refused(answer, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


def test_text_in_labels_out(client: TestClient) -> None:
    request = {"id": "call-7", "inputs": [tensor("text", "BYTES", ["good", "awful"])]}
    answer = client.post(INFER, json=request)
    body = answer.json()
    assert (body["id"], body["model_name"], body["model_version"]) == ("call-7", "tiny-sentiment", "1")
    made = outputs(answer)
    assert made["label"] == {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["positive", "negative"]}
    assert (made["scores"]["datatype"], made["scores"]["shape"], len(made["scores"]["data"])) == ("FP32", [2, 3], 6)
    assert made["prediction_id"]["data"][0].startswith("tiny-sentiment.1.")


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT64", "INT32"])
@pytest.mark.parametrize(("data", "shape"), [([1, 2, 3], [3]), ([[1], [2], [3]], [3, 1]), ([1, 2, 3], [3, 1])])
def test_numbers_of_every_kind(client: TestClient, datatype: str, data: list, shape: list[int]) -> None:
    inputs = [tensor(name, datatype, data, shape) for name in ("rooms", "area")]
    made = outputs(client.post("/v2/models/tiny-price/infer", json={"inputs": inputs}))
    assert made["value"] == {"name": "value", "datatype": "FP64", "shape": [3], "data": [2.0, 4.0, 6.0]}


def test_entities_are_tensors_too(api, client: TestClient) -> None:
    api.write_patient("p1", radius=20.0)
    inputs = [tensor("patient", "BYTES", ["p1"]), tensor("age", "INT64", [40])]
    assert outputs(client.post("/v2/models/tiny-tabular/infer", json={"inputs": inputs}))["label"]["data"] == ["yes"]


def test_only_the_wanted_outputs(client: TestClient) -> None:
    request = {"inputs": [tensor("text", "BYTES", ["good"])], "outputs": [{"name": "score"}, {"name": "label"}]}
    assert list(outputs(client.post(INFER, json=request))) == ["score", "label"]


def binary(header: dict, *chunks: bytes) -> dict:
    text = json.dumps(header).encode()
    return {"content": text + b"".join(chunks), "headers": {"Inference-Header-Content-Length": str(len(text))}}


def text_input(raw: bytes, *, size: int | None = None, shape: list[int] | None = None) -> dict:
    parameters = {"binary_data_size": len(raw) if size is None else size}
    return {"name": "text", "datatype": "BYTES", "shape": shape or [1], "parameters": parameters}


GOOD = struct.pack("<I", 4) + b"good"


def test_binary_in_binary_out(client: TestClient) -> None:
    header = {"inputs": [text_input(GOOD)], "parameters": {"binary_data_output": True}}
    answer = client.post(INFER, **binary(header, GOOD))
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    described = json.loads(answer.content[:length])["outputs"]
    sizes = {output["name"]: output["parameters"]["binary_data_size"] for output in described}
    assert sizes["scores"] == 12
    assert sum(sizes.values()) == len(answer.content) - length
    assert answer.content[length : length + sizes["label"]] == struct.pack("<I", 8) + b"positive"


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (GOOD, {"size": 5}),
        (GOOD, {"size": 500}),
        (GOOD, {"size": -1}),
        (GOOD, {"shape": [2]}),
        (struct.pack("<I", 9) + b"good", {}),
        (b"\x04\x00", {}),
        (struct.pack("<I", 2) + b"\xff\xfe", {}),
        (b"", {}),
    ],
)
def test_wrong_binary_is_refused(client: TestClient, raw: bytes, changes: dict) -> None:
    refused(client.post(INFER, **binary({"inputs": [text_input(raw, **changes)]}, raw)))


@pytest.mark.parametrize("length", ["x", "-1", "999999", "1e3", ""])
def test_a_wrong_header_length_is_refused(client: TestClient, length: str) -> None:
    answer = client.post(INFER, content=b"{}", headers={"Inference-Header-Content-Length": length})
    assert "inference-header-content-length" in refused(answer)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs"),
        ([tensor("text", "FP32", [1.0])], "must be BYTES"),
        ([tensor("text", "UTF8", ["a"])], "inputs[0].datatype"),
        ([tensor("words", "BYTES", ["a"])], "not an input; there is text"),
        ([tensor("text", "BYTES", ["a"], [2])], "has 1 values"),
        ([tensor("text", "BYTES", ["a", "b"], [1, 2])], "[records]"),
        ([tensor("text", "BYTES", ["a"], [1, 1, 1])], "shape"),
        ([tensor("text", "BYTES", [], [0])], "at least 1"),
        ([tensor("text", "BYTES", [5])], "inputs[0].text: must be a string"),
        ([tensor("text", "BYTES", [["a", ["b"]]], [2])], "inputs[1].text: must be a string"),
        ([tensor("text", "BYTES", ["a"] * 17)], "at most 16"),
        ([tensor("text", "BYTES", ["a"] * 2), tensor("text", "BYTES", ["a"] * 2)], "twice"),
        ([{"name": "text", "datatype": "BYTES", "shape": [1]}], "data"),
        ([tensor("text", "BYTES", ["a"], parameters={"shared_memory_region": "r"})], "shared memory"),
    ],
)
def test_wrong_tensors_are_named(api, client: TestClient, inputs: list, message: str) -> None:
    assert message in refused(client.post(INFER, json={"inputs": inputs}))
    assert api.metrics("Predictions") == []


def test_columns_of_different_lengths_are_refused(client: TestClient) -> None:
    inputs = [tensor("rooms", "FP32", [1, 2]), tensor("area", "FP32", [1])]
    error = refused(client.post("/v2/models/tiny-price/infer", json={"inputs": inputs}))
    assert "rooms 2, area 1" in error


def test_nan_is_refused(client: TestClient) -> None:
    header = {"inputs": [{"name": n, "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}}
                         for n in ("rooms", "area")]}  # fmt: skip
    raw = struct.pack("<ff", float("nan"), 1.0)
    error = refused(client.post("/v2/models/tiny-price/infer", **binary(header, raw)))
    assert "inputs[0].rooms: must be a finite number" in error
    content = json.dumps({"inputs": [tensor("rooms", "FP32", [float("nan")]), tensor("area", "FP32", [1])]})
    refused(client.post("/v2/models/tiny-price/infer", content=content))


def test_unknown_outputs_models_and_versions(client: TestClient) -> None:
    inputs = [tensor("text", "BYTES", ["a"])]
    assert "there is label" in refused(client.post(INFER, json={"inputs": inputs, "outputs": [{"name": "x"}]}))
    refused(client.post("/v2/models/nope/infer", json={"inputs": inputs}), 404)
    refused(client.post("/v2/models/tiny-sentiment/versions/9/infer", json={"inputs": inputs}), 404)
    refused(client.get("/v2/models/nope"), 404)
    refused(client.get("/v2/models/tiny-sentiment/versions/9/ready"), 404)
    refused(client.get("/v2/repository/index"), 405)


def test_malformed_and_oversized(client: TestClient) -> None:
    refused(client.post(INFER, content=b"{"))
    refused(client.post(INFER, content=b"[" * 10_000))
    refused(client.post(INFER, content=b" " * 70_000), 413)


def test_metadata_and_health(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json() == {"name": "demo", "version": "2", "extensions": EXTENSIONS}
    assert client.get("/v2/models/tiny-sentiment/ready").json() == {"name": "tiny-sentiment", "ready": True}
    described = client.get("/v2/models/tiny-tabular").json()
    assert described["versions"] == ["1"]
    assert {one["name"]: one["datatype"] for one in described["inputs"]} == {
        "radius": "FP64",
        "smooth": "FP64",
        "age": "INT64",
        "patient": "BYTES",
    }
    scores = {"name": "scores", "datatype": "FP32", "shape": [-1, 2], "parameters": {"columns": ["no", "yes"]}}
    assert described["outputs"][1:3] == [{"name": "score", "datatype": "FP32", "shape": [-1]}, scores]
    assert client.get("/v2/models/tiny-sentiment/versions/2").json()["versions"] == ["2"]


def test_null_is_as_if_absent(client: TestClient) -> None:
    text = tensor("text", "BYTES", ["good"])
    nulls = {"id": None, "parameters": None, "outputs": None}
    request = {**nulls, "inputs": [{**text, "parameters": None}]}
    assert outputs(client.post(INFER, json=request))["label"]["data"] == ["positive"]
    assert "id" not in client.post(INFER, json=request).json()
    wanted = {"inputs": [text], "outputs": [{"name": "label", "parameters": None}]}
    assert list(outputs(client.post(INFER, json=wanted))) == ["label"]


def test_parameters_of_other_servers_are_ignored(client: TestClient) -> None:
    parameters = {"content_type": "str", "headers": None, "extra": {"a": [1]}}
    request = {"parameters": parameters, "inputs": [tensor("text", "BYTES", ["good"], parameters=parameters)]}
    assert outputs(client.post(INFER, json=request))["label"]["data"] == ["positive"]


PACKS = {"FP16": "<e", "UINT8": "<B", "UINT16": "<H", "UINT32": "<I", "UINT64": "<Q", "INT8": "<b"}


@pytest.mark.parametrize("datatype", PACKS)
def test_half_floats_and_unsigned_integers(client: TestClient, datatype: str) -> None:
    path = "/v2/models/tiny-price/infer"
    inputs = [tensor(name, datatype, [7]) for name in ("rooms", "area")]
    assert outputs(client.post(path, json={"inputs": inputs}))["value"]["data"] == [14.0]
    raw = struct.pack(PACKS[datatype], 7)
    described = [
        {"name": name, "datatype": datatype, "shape": [1], "parameters": {"binary_data_size": len(raw)}}
        for name in ("rooms", "area")
    ]
    assert outputs(client.post(path, **binary({"inputs": described}, raw, raw)))["value"]["data"] == [14.0]


@pytest.mark.parametrize(("datatype", "value"), [("UINT8", -1), ("UINT8", 256), ("INT8", 128), ("UINT64", 2**64)])
def test_a_number_that_its_datatype_cannot_hold_is_refused(client: TestClient, datatype: str, value: int) -> None:
    inputs = [tensor("rooms", datatype, [1, value]), tensor("area", "FP32", [1, 1])]
    error = refused(client.post("/v2/models/tiny-price/infer", json={"inputs": inputs}))
    assert error.startswith("inputs.rooms.data[1]: must be ")


def test_an_output_without_a_name_is_against_the_schema(client: TestClient) -> None:
    request = {"inputs": [tensor("text", "BYTES", ["good"])], "outputs": [{"name": ""}]}
    assert refused(client.post(INFER, json=request)).startswith("outputs[0].name: ")


def test_the_index_says_which_versions_answer_and_why_others_do_not(api) -> None:
    models = {**api.models, ("tiny-sentiment", 2): NotLoadedError("tiny-sentiment", 2, "model.onnx: is broken")}
    with api.client(models=models) as client:
        listed = client.post("/v2/repository/index").json()
        ready = client.post("/v2/repository/index", json={"ready": True}).json()
        one = client.get("/v2/models/tiny-sentiment/versions/2/config")
    broken = {"name": "tiny-sentiment", "version": "2", "state": "UNAVAILABLE", "reason": "model.onnx: is broken"}
    assert broken in listed
    assert ready == [each for each in listed if each != broken]
    assert "model.onnx: is broken" in refused(one, 503)


@pytest.mark.parametrize(("sent", "status"), [(b"so \xff\xfe", 400), ("so \ufffd".encode(), 200)])
def test_bytes_that_were_replaced_on_the_way_are_no_text(client: TestClient, sent: bytes, status: int) -> None:
    tensor = b'{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["' + sent + b'"]}]}'
    headers = {"content-type": "application/json", "content-length": str(len(tensor))}
    body = tensor.decode("utf-8", "replace").encode()
    answer = client.post("/v2/models/tiny-sentiment/infer", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert ("is not UTF-8" in answer.text) == (status == 400)
