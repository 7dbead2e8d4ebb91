"""What functions log and trace, each in a process of its own, as Lambda runs them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lambda_context import REQUEST_ID

ROOT = Path(__file__).parents[3]
SECRET = "sunny secret"
TRACE = "Root=1-6740a1b2-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1"

PROGRAM = """
import json, logging, sys
from aws_lambda_powertools.logging import correlation_paths
from slipway.monitoring.telemetry.instrumentation import instrument
from support.lambda_context import CallContext

def handle(event, context):
    logging.getLogger("slipway").debug("began")
    logging.getLogger("slipway").info("version %d serves", 3)
    logging.getLogger("botocore").warning("slow")
    logging.getLogger("botocore").info("found credentials")
    if event.get("fails"):
        try:
            raise ValueError("two\\nlines")
        except ValueError:
            logging.getLogger("slipway").exception("failed")
    return {"answer": event["body"]}

handler = instrument(handle, service="predict", correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
for event in json.loads(sys.argv[1]):
    print(json.dumps(handler(event, CallContext())))
print(json.dumps([name for name in sys.modules if name.startswith("aws_xray_sdk")]))
"""


def event(request: str, **others: Any) -> dict[str, Any]:
    return {"requestContext": {"requestId": request}, "body": SECRET, **others}


def call(*events: dict[str, Any], **environment: str) -> tuple[list[Any], list[dict[str, Any]]]:
    """What is printed for each event and of modules, and what is logged."""
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "LAMBDA_TASK_ROOT": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, json.dumps(events)]
    ran = subprocess.run(command, env={**given, **environment}, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()], [
        json.loads(line) for line in ran.stderr.splitlines()
    ]


def test_each_line_is_json_and_says_which_call_it_is_of() -> None:
    printed, logged = call(event("r-1"), event("r-2"), POWERTOOLS_SERVICE_NAME="shop-predict")
    assert printed[:2] == [{"answer": SECRET}] * 2
    first, third_party, second, _ = logged
    assert (first["level"], first["message"], first["service"]) == ("INFO", "version 3 serves", "shop-predict")
    assert (first["name"], third_party["name"]) == ("slipway", "botocore")
    assert (first["cold_start"], second["cold_start"]) == (True, False)
    assert (first["correlation_id"], third_party["correlation_id"], second["correlation_id"]) == ("r-1", "r-1", "r-2")
    assert {line["function_request_id"] for line in logged} == {REQUEST_ID}


def test_the_level_is_the_environments() -> None:
    for level, messages in (
        ("DEBUG", ["began", "version 3 serves", "slow"]),
        ("INFO", ["version 3 serves", "slow"]),
        ("WARNING", ["slow"]),
    ):
        assert [line["message"] for line in call(event("r"), POWERTOOLS_LOG_LEVEL=level)[1]] == messages


def test_no_line_has_what_was_sent_or_answered() -> None:
    _, logged = call(event("r", fails=True), POWERTOOLS_LOG_LEVEL="DEBUG", POWERTOOLS_LOGGER_LOG_EVENT="true")
    assert SECRET not in json.dumps(logged)
    assert "ValueError: two\nlines" in logged[-1]["exception"]


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    """Listens where X-Ray's daemon would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        yield listener


def traced(daemon: socket.socket) -> dict[str, str]:
    host, port = daemon.getsockname()
    return {"AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}", "_X_AMZN_TRACE_ID": TRACE}


@pytest.mark.parametrize("off", [{}, {"POWERTOOLS_TRACE_DISABLED": "true"}])
def test_without_tracing_nothing_of_x_ray_is_imported_or_sent(daemon: socket.socket, off: dict[str, str]) -> None:
    printed, _ = call(event("r"), **traced(daemon), **off)
    assert printed[-1] == []
    daemon.setblocking(False)
    with pytest.raises(BlockingIOError):
        daemon.recv(65_536)


def test_with_tracing_a_call_is_a_segment_without_what_was_answered(daemon: socket.socket) -> None:
    call(event("r"), **traced(daemon), POWERTOOLS_TRACE_DISABLED="false", POWERTOOLS_SERVICE_NAME="shop-predict")
    received = daemon.recv(65_536).decode()
    segment = json.loads(received.partition("\n")[2])
    assert (segment["name"], segment["trace_id"]) == ("## predict", "1-6740a1b2-0123456789abcdef01234567")
    assert segment["annotations"] == {"ColdStart": True, "Service": "shop-predict"}
    assert SECRET not in received
