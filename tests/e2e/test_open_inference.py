"""The public Triton client, as it comes from PyPI, against the plain address."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from local.environment.state import State


@pytest.fixture(scope="module")
def client(running: State) -> Iterator[triton.InferenceServerClient]:
    """A Triton client of the API."""
    with triton.InferenceServerClient(urlsplit(running.api).netloc) as made:
        yield made


def text(name: str, values: list[str], *, binary: bool) -> triton.InferInput:
    tensor = triton.InferInput(name, [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array([value.encode() for value in values], dtype=object), binary_data=binary)
    return tensor


def test_the_server_and_its_models_are_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tweet-sentiment")
    assert client.is_model_ready("breast-cancer", "2")
    assert not client.is_model_ready("breast-cancer", "99")


def test_metadata_describe_the_inputs(client: triton.InferenceServerClient) -> None:
    inputs = client.get_model_metadata("tweet-sentiment")["inputs"]

    assert [(field["name"], field["datatype"]) for field in inputs] == [("text", "BYTES")]


@pytest.mark.parametrize("binary", [True, False])
def test_tweets_are_inferred(client: triton.InferenceServerClient, api: httpx.Client, binary: bool) -> None:
    tweets = ["So good, a sunny day!", "Awful, so bad, 悪い"]

    answer = client.infer("tweet-sentiment", [text("text", tweets, binary=binary)])

    expected = api.post("/v1/models/tweet-sentiment/predict", json={"inputs": [{"text": tweet} for tweet in tweets]})
    assert [label.decode() for label in answer.as_numpy("label")] == [
        made["label"] for made in expected.json()["predictions"]
    ]
    assert answer.as_numpy("scores").shape == (2, 3)
    assert answer.as_numpy("scores").dtype == np.float32


@pytest.mark.parametrize("binary", [True, False])
def test_patients_are_inferred_with_features_from_the_store(client: triton.InferenceServerClient, binary: bool) -> None:
    answer = client.infer("breast-cancer", [text("patient", ["p001", "p002"], binary=binary)], model_version="2")

    assert set(answer.as_numpy("label")) <= {b"malignant", b"benign"}
    assert answer.get_response()["model_version"] == "2"


def test_the_clients_own_features_are_taken(client: triton.InferenceServerClient, api: httpx.Client) -> None:
    groups = api.get("/v1/features/patient/p001").json()["groups"].values()
    tensors = []
    for name, value in ((name, value) for group in groups for name, value in group["values"].items()):
        tensor = triton.InferInput(name, [1], "FP64")
        tensor.set_data_from_numpy(np.array([value], dtype=np.float64))
        tensors.append(tensor)

    given = client.infer("breast-cancer", tensors)
    stored = client.infer("breast-cancer", [text("patient", ["p001"], binary=True)])

    assert given.as_numpy("score") == pytest.approx(stored.as_numpy("score"))


def test_what_is_wrong_is_told_in_the_protocols_own_words(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="tweet-mood"):
        client.infer("tweet-mood", [text("text", ["Good."], binary=True)])
    with pytest.raises(InferenceServerException, match="txet"):
        client.infer("tweet-sentiment", [text("txet", ["Good."], binary=True)])
