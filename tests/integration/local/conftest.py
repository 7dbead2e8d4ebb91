"""The emulator alone, with all additions and nothing deployed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.emulator.addresses import await_answer, held
from local.environment import settings
from local.environment.processes import start, stop

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running emulator."""
    folder = tmp_path_factory.mktemp("emulator")
    with held(0) as port:
        pass
    child = start(
        "emulator",
        [sys.executable, "-m", "local.emulator.ministack", str(port), str(ROOT), str(folder / "tasks")],
        folder=ROOT,
        environment=settings.emulator_environment({"PATH": "/usr/bin:/bin"}, port=port, temporary=folder),
        log=folder / "emulator.log",
    )
    address = f"http://{settings.HOST}:{port}"
    await_answer(f"{address}/_ministack/health", child)
    yield address
    stop([child])


@pytest.fixture(scope="session")
def aws(emulator: str) -> Iterator[Callable[[str], Any]]:
    """Creates boto3 clients of the emulator with its administrator's keys."""
    with ExitStack() as stack:

        def client(service: str) -> Any:
            made = boto3.client(
                service,
                endpoint_url=emulator,
                region_name=settings.REGION,
                aws_access_key_id=settings.ACCESS_KEY,
                aws_secret_access_key=settings.SECRET_KEY,
            )
            return stack.enter_context(closing(made))

        yield client
