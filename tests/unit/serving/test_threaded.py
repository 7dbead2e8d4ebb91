"""The container's way to the endpoints: nothing waits in the event loop, and answers are those of the light tier."""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore, MemoryPredictionCache
from starlette.testclient import TestClient
from support.serving import PREDICT, refused

from slipway.errors import UnavailableError
from slipway.features.definitions import FeatureDefinitions
from slipway.monitoring.telemetry.attempts import BatchedAttempts
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.serving.apis.health import Readiness
from slipway.serving.batching.executor import Executor, Plan
from slipway.serving.batching.threaded import ThreadedRunner
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels
from slipway.serving.slot.app import slot_app
from slipway.serving.slot.lifecycle import Housekeeping

GOOD = {"inputs": [{"text": "good"}]}


@dataclass
class Served:
    """One version of one model as the container serves it."""

    client: TestClient
    readiness: Readiness
    executor: Executor
    telemetry: BufferedTelemetry
    written: list[str]

    def metrics(self) -> str:
        return "".join(self.written) + self.telemetry.drain()


@pytest.fixture
def serve(config, loaded_models) -> Iterator[Any]:
    clients: list[TestClient] = []

    def serve(
        model: str = "tiny-sentiment",
        *,
        predictor: Any = None,
        queue: int = 64,
        timeout: float = math.inf,
        compared: bool = False,
        **tables: Any,
    ) -> Served:
        loaded = loaded_models[model, 1]
        written: list[str] = []
        telemetry = BufferedTelemetry("demo", model, {"Slot": "blue", "Version": "1"}, write=written.append)
        only = config.model_copy(update={"models": {model: config.models[model]}})
        attempts = BatchedAttempts("demo", model, 1, watched=lambda: compared, write=written.append)
        executor = Executor(model, predictor or loaded, Plan(1, 1, 1, 0.0, queue), around=attempts.write)
        runner = ThreadedRunner(executor, telemetry, attempts, version=1, timeout=timeout)
        pipeline = PredictionPipeline(ServedModels(only, {(model, 1): loaded}), runner, **tables)
        readiness = Readiness()
        app = slot_app(pipeline, Housekeeping(runner, telemetry), readiness)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return Served(client, readiness, executor, telemetry, written)

    yield serve
    for client in clients:
        client.__exit__(None, None, None)


def test_a_request_of_many_records_is_answered_in_order(serve) -> None:
    texts = ["good", "awful", "sunny"] * 5
    answer = serve().client.post(PREDICT, json={"inputs": [{"text": text} for text in texts]})
    labels = [made["label"] for made in answer.json()["predictions"]]
    assert labels == ["positive", "negative", "positive"] * 5


class Gated:
    """A graph that runs while its gate is open."""

    def __init__(self) -> None:
        self.gate, self.running = threading.Event(), threading.Event()

    def predict_batch(self, records):
        self.running.set()
        assert self.gate.wait(10)
        output = {"label": "positive", "score": 1.0, "scores": {"negative": 0.0, "neutral": 0.0, "positive": 1.0}}
        return [output for _ in records], None


def test_what_finds_the_queue_full_is_told_at_once_when_to_come_again(serve) -> None:
    graph = Gated()
    served = serve(predictor=graph, queue=1)
    answers: list[int] = []
    asking = [
        threading.Thread(target=lambda: answers.append(served.client.post(PREDICT, json=GOOD).status_code))
        for _ in range(2)
    ]
    asking[0].start()
    assert graph.running.wait(10)
    asking[1].start()
    while served.executor.room().is_given:
        pass
    answer = served.client.post(PREDICT, json=GOOD)
    refused(answer, 503)
    assert answer.headers["retry-after"] == "1"
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["bad"]}
    assert served.client.post("/v2/models/tiny-sentiment/infer", json={"inputs": [tensor]}).status_code == 503
    assert served.client.get("/v2/health/ready").status_code == 200
    graph.gate.set()
    for thread in asking:
        thread.join(10)
    assert answers == [200, 200]
    assert '"Rejected":2' in served.metrics()


class NeverInTheLoop:
    """Tables that refuse to be waited for by the thread that runs the event loop."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.threads: set[str] = set()

    def __getattr__(self, name: str):
        def call(*given):
            self.threads.add(threading.current_thread().name)
            return getattr(self.inner, name)(*given)

        return call


def test_tables_are_waited_for_in_threads(serve, config) -> None:
    store = NeverInTheLoop(MemoryFeatureStore(FeatureDefinitions(config.features)))
    served = serve("tiny-tabular", store=store)
    answer = served.client.post("/v1/models/tiny-tabular/predict", json={"inputs": [{"patient": "p1", "age": 1}]})
    assert answer.status_code == 422
    assert store.threads
    assert all(name.startswith("tables") for name in store.threads)


def test_the_cache_is_written_behind_the_answer(serve) -> None:
    cache = NeverInTheLoop(MemoryPredictionCache())
    served = serve("tiny-cached", cache=cache)
    path = "/v1/models/tiny-cached/predict"
    cached = [served.client.post(path, json=GOOD).json()["predictions"][0]["cached"] for _ in range(50)]
    assert not cached[0]
    assert cached[-1]
    assert all(name.startswith("tables") for name in cache.threads)


class Down:
    def get(self, keys):
        raise UnavailableError("prediction cache", "down")

    def put(self, entries, ttl):
        raise UnavailableError("prediction cache", "down")


def test_a_cache_that_is_down_is_counted_and_no_more(serve) -> None:
    served = serve("tiny-cached", cache=Down())
    assert served.client.post("/v1/models/tiny-cached/predict", json=GOOD).status_code == 200
    assert '"CacheErrors":1' in served.metrics()


def test_one_that_stops_is_not_ready_and_answers_all_the_same(serve) -> None:
    served = serve()
    assert "connection" not in served.client.get("/v2/health/ready").headers
    served.readiness.end()
    assert served.client.get("/v2/health/ready").status_code == 503
    assert served.client.get("/ping").status_code == 503
    assert served.client.get("/v2/health/live").status_code == 200
    answer = served.client.post(PREDICT, json=GOOD)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize(
    ("content", "sent", "accept", "text"),
    [
        ("text/csv", "good\nawful\n", "", "positive,"),
        (
            "application/jsonlines",
            '{"text": "good"}\n{"text": "bad"}',
            "",
            '"label":"positive"',
        ),
        ("application/json", '{"inputs": [{"text": "good"}]}', "*/*", '{"model":'),
        ("application/json", '{"inputs": [{"text": "good"}]}', "text/csv", "positive,"),
        ("text/csv", '"good, and sunny"\n', "application/json", '{"model":'),
    ],
)
def test_sagemaker_speaks_its_types(serve, content: str, sent: str, accept: str, text: str) -> None:
    headers = {"content-type": content, "accept": accept}
    answer = serve().client.post("/invocations", content=sent, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == (accept if "/" in accept.strip("*/") else content)
    assert text in answer.text


@pytest.mark.parametrize(
    ("content", "sent", "status"),
    [
        ("text/csv", "1,2,3\n", 422),
        ("text/csv", "1,many\n", 422),
        ("text/csv", "\xff", 422),
        ("application/jsonlines", '{"rooms": 1,', 400),
        ("application/jsonlines", "", 422),
        ("application/x-npy", "1", 415),
    ],
)
def test_sagemaker_is_told_what_is_wrong(serve, content: str, sent: str, status: int) -> None:
    answer = serve("tiny-price").client.post("/invocations", content=sent, headers={"content-type": content})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("content", "sent", "says"),
    [
        ("text/csv", b"1,2\n3,[[[[\n", "inputs[1].area"),
        ("text/csv", b"1," + b"[" * 40_000 + b"\n", "inputs[0].area"),
        ("text/csv", b"1," + b"9" * 5000 + b"\n", "inputs[0].area"),
        ("text/csv", b"1,1_000\n", "inputs[0].area"),
        ("text/csv", b"1,nan\n", "inputs[0].area"),
        ("text/csv", b"1,2,\n", "has 3 cells; needed are 2: rooms, area (line 1)"),
    ],
)
def test_a_cell_of_another_type_is_named(serve, content: str, sent: bytes, says: str) -> None:
    answer = serve("tiny-price").client.post("/invocations", content=sent, headers={"content-type": content})
    assert answer.status_code == 422, answer.text
    assert says in answer.text


@pytest.mark.parametrize(
    ("content", "sent", "says"),
    [
        ("text/csv", b"1,\xff\n", "has the byte 0xFF, which is not UTF-8"),
        ("text/csv", b'1,"2\n', "opens a quote that is never closed"),
        ("text/csv", "1,2\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("application/jsonlines", b"\n" + b"[" * 60_000 + b"\n", "is nested too deeply (line 2)"),
        ("application/jsonlines", b'{"rooms": "\xff"}\n', "has the byte 0xFF, which is not UTF-8"),
    ],
)
def test_a_body_that_cannot_be_parsed_is_a_400(serve, content: str, sent: bytes, says: str) -> None:
    answer = serve("tiny-price").client.post("/invocations", content=sent, headers={"content-type": content})
    assert answer.status_code == 400, answer.text
    assert says in answer.text


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("text/csv", b"\xef\xbb\xbf1,2\r\n\r\n3, 4\r\n"),
        ("text/csv; header=present", b"area,rooms\n2,1\n4,3\n"),
        ("application/jsonlines", b'\xef\xbb\xbf{"rooms": 1, "area": 2}\r\n\n{"rooms": 3, "area": 4.0}'),
    ],
)
def test_marks_line_ends_and_headers_change_no_answer(serve, content: str, sent: bytes) -> None:
    plain = serve("tiny-price").client.post("/invocations", content=b"1,2\n3,4\n", headers={"content-type": "text/csv"})
    headers = {"content-type": content, "accept": "text/csv"}
    assert serve("tiny-price").client.post("/invocations", content=sent, headers=headers).text == plain.text
    assert plain.status_code == 200
