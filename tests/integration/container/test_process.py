"""The container as a process with real clients: it starts, answers, and stops without losing a request."""

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

SECONDS = 120.0
PREDICT = "/v1/models/tiny-sentiment/predict"
GOOD = {"inputs": [{"text": "good"}]}


def test_it_speaks_every_protocol_and_says_what_it_did(start) -> None:
    running = start()
    running.until_ready()
    with httpx.Client(base_url=running.address) as client:
        made = client.post(PREDICT, json={"inputs": [{"text": "good"}, {"text": "awful"}]}).json()
        assert [each["label"] for each in made["predictions"]] == ["positive", "negative"]
        tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["bad"]}
        inferred = client.post("/v2/models/tiny-sentiment/versions/1/infer", json={"inputs": [tensor]}).json()
        assert inferred["outputs"][0]["data"] == ["negative"]
        assert client.post("/invocations", json=GOOD).json()["predictions"][0]["label"] == "positive"
        assert client.get("/ping").status_code == 200
        assert client.get("/v1/models/tiny-sentiment").json()["release"]["stable"] == 1
        assert client.post("/v1/models/tiny-price/predict", json=GOOD).status_code == 404
        assert client.post(PREDICT, json={"inputs": [{"text": 1}]}).status_code == 422
    lines = [json.loads(line) for line in running.stop().splitlines()]
    assert running.process.returncode == 0
    assert any("chose Plan(" in line.get("message", "") for line in lines)
    metrics = [line for line in lines if line.get("Slot") == "green"]
    assert {"Project": "demo", "Model": "tiny-sentiment", "Version": "1"}.items() <= metrics[0].items()
    assert sum(line.get("Predictions", 0) for line in metrics) == 4
    assert sum(len(line.get("QueueTime", ())) for line in metrics) == 3
    assert sum(sum(line.get("BatchSize", ())) for line in metrics) == 4


def test_a_version_that_no_config_names_is_served_where_a_slot_names_it(start) -> None:
    running = start(SLIPWAY_VERSION="2")
    running.until_ready()
    made = httpx.post(running.address + PREDICT, json=GOOD).json()["predictions"][0]
    assert made["version"] == 2
    running.stop()


def test_while_the_version_loads_it_is_alive_and_not_ready(start, bundle, tmp_path) -> None:
    # Reading a pipe waits for its writer, so the container loads for as long as this test wants.
    (tmp_path / "models").symlink_to(bundle / "models")
    os.mkfifo(tmp_path / "slipway.yaml")
    running = start(SLIPWAY_ROOT=str(tmp_path))
    running.until(200, "/v2/health/live")
    for path in ("/v2/health/ready", "/ping"):
        answer = httpx.get(running.address + path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert httpx.post(running.address + PREDICT, json=GOOD).status_code == 503
    (tmp_path / "slipway.yaml").write_text((bundle / "slipway.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    running.until(200, "/v2/health/ready")
    assert httpx.get(f"{running.address}/v2/health/live").json() == {"live": True}
    assert httpx.post(running.address + PREDICT, json=GOOD).status_code == 200
    running.stop()
    assert running.process.returncode == 0


def test_what_cannot_start_says_why_and_ends(start) -> None:
    running = start(SLIPWAY_VERSION="7")
    output, _ = running.process.communicate(timeout=SECONDS)
    assert running.process.returncode == 1
    assert "cannot start" in output
    assert "Traceback" not in output


def test_what_there_is_no_room_for_is_refused_at_once_and_counted(start) -> None:
    running = start()
    running.until_ready()
    # More records than may wait, and long ones: while they do, there is room for nobody.
    many = {"inputs": [{"text": "good " * 50}] * 128}
    with httpx.Client(base_url=running.address, timeout=SECONDS) as client, ThreadPoolExecutor(1) as pool:
        refused, end = None, time.monotonic() + SECONDS
        while refused is None and time.monotonic() < end:
            asked = pool.submit(httpx.post, running.address + PREDICT, json=many, timeout=SECONDS)
            while not asked.done() and refused is None:
                answer = client.post(PREDICT, json=GOOD)
                refused = answer if answer.status_code != 200 else None
            assert asked.result().status_code in {200, 503}
        assert refused is not None
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["status"] == 503
        assert client.post(PREDICT, json=GOOD).status_code == 200
    lines = [json.loads(line) for line in running.stop().splitlines()]
    assert sum(line.get("Rejected", 0) for line in lines) >= 1


class Clients:
    """Clients that each ask again and again over one connection, until whoever sends them is told not to."""

    def __init__(self, address: str, count: int) -> None:
        self.statuses: list[int] = []
        self.errors: list[Exception] = []
        self.stop = threading.Event()
        self._address = address
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._address, timeout=SECONDS) as client:
            while not self.stop.is_set():
                try:
                    self.statuses.append(client.post(PREDICT, json=GOOD).status_code)
                except httpx.HTTPError as error:
                    self.errors.append(error)
                    return


def test_no_request_is_lost_when_it_stops(start) -> None:
    running = start(SLIPWAY_DRAIN_SECONDS="4")
    running.until_ready()
    clients = Clients(running.address, 4)
    time.sleep(0.5)
    running.process.terminate()
    told = time.monotonic()
    while httpx.get(f"{running.address}/v2/health/ready").status_code == 200:
        assert time.monotonic() - told < 4
    before = len(clients.statuses)
    while len(clients.statuses) == before:  # it goes on serving, until a load balancer has looked
        assert time.monotonic() - told < 4
        time.sleep(0.01)
    assert httpx.post(running.address + PREDICT, json=GOOD).headers["connection"] == "close"
    clients.stop.set()
    clients.join()
    running.process.communicate(timeout=SECONDS)
    assert running.process.returncode == 0
    assert time.monotonic() - told < 20
    assert clients.errors == []
    assert set(clients.statuses) == {200}


def test_what_was_taken_is_answered_though_the_process_stops_at_once(start) -> None:
    running = start()
    running.until_ready()
    host, port = running.address.removeprefix("http://").split(":")
    body = json.dumps(GOOD).encode()
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
        connection.sendall(head.encode())
        assert b"100 Continue" in connection.recv(1000), "the request was taken"
        running.process.terminate()
        time.sleep(0.5)
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert b" 200 OK" in answer
    assert b'"label":"positive"' in answer
    running.process.communicate(timeout=SECONDS)
    assert running.process.returncode == 0
