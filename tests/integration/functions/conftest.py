"""A bundle as the functions find it, and events as AWS sends them."""

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from support.packages import make_tabular_package, make_text_package

from slipway.aws.table import lazy_client
from slipway.monitoring.telemetry.instrumentation import LIBRARY

Handler = Callable[[Any, Any], dict[str, Any]]

EVENTS = Path(__file__).parents[2] / "events"
CONFIG = """
project: demo
models:
  tiny-sentiment: {versions: [1], stable: 1}
  tiny-tabular: {versions: [1], stable: 1}
features:
  tumour:
    entity: patient
    features: {radius: {type: float}, smooth: {type: float}}
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """slipway.yaml and models/."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    make_text_package(tmp_path / "models/tiny-sentiment/1")
    make_tabular_package(tmp_path / "models/tiny-tabular/1")
    return tmp_path


Event = Callable[..., dict[str, Any]]


@pytest.fixture
def event() -> Event:
    """Reads an event of tests/events; `body` replaces its body."""

    def read(name: str, *, body: Any = None) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
        return document if body is None else {**document, "body": json.dumps(body)}

    return read


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto answers, and the tables `features` and `control` exist."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = lazy_client()()
        for table in ("features", "control"):
            client.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                BillingMode="PAY_PER_REQUEST",
            )
        yield


@pytest.fixture
def loop() -> Iterator[None]:
    """The event loop that Mangum takes, which nobody would close otherwise."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    asyncio.set_event_loop(None)
    made.close()


@pytest.fixture
def start(bundle: Path, monkeypatch: pytest.MonkeyPatch, loop: None) -> Callable[..., Handler]:
    """Starts a function as Lambda does: sets its environment and imports its handler anew."""

    def begin(name: str, **environment: str) -> Handler:
        for key, value in {"LAMBDA_TASK_ROOT": str(bundle), **environment}.items():
            monkeypatch.setenv(key, value)
        module = f"functions.{name}.handler"
        monkeypatch.delitem(sys.modules, module, raising=False)
        handler: Handler = importlib.import_module(module).handler
        return handler

    return begin


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Handlers make the loggers of this process write JSON; give pytest its own back."""
    root, library = logging.getLogger(), logging.getLogger(LIBRARY)
    before = [(handler, handler.formatter, list(handler.filters)) for handler in root.handlers]
    levels = root.level, library.level
    known = set(logging.root.manager.loggerDict)
    yield
    root.setLevel(levels[0])
    library.setLevel(levels[1])
    library.handlers, library.propagate = [], True
    for handler, formatter, filters in before:
        handler.setFormatter(formatter)
        handler.filters = filters
    for name in set(logging.root.manager.loggerDict) - known:  # those of Powertools, which hold this test's streams
        del logging.root.manager.loggerDict[name]
