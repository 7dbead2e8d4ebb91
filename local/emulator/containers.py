"""Processes that stand in for the containers of MiniStack's ECS tasks, without a container engine.

MiniStack's ECS manages the number of tasks, deployments, restarts, target groups and logs. This module implements the
few calls of a container engine's client that it makes. Whatever the image, a container here is `python -m container`
on its own loopback address. One that hangs is killed, so that ECS replaces it, as it replaces a task that fails the
health checks of its target group. A container with a command of its own is a job, which runs `python -m container
COMMAND…` to its end.
"""

import hashlib
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from local.emulator.addresses import unused_address
from local.emulator.balancing import in_flight
from local.emulator.balancing.health import Answer, Check, probe
from local.emulator.task_roles import role_credentials
from local.environment.settings import task_environment
from slipway.config import load_local, read_project
from slipway.config.deployment.environment import MODEL

READY_PATH = "/v2/health/ready"
_PORT = 8080
_READY_SECONDS = 60.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 30.0
_CHECK_EVERY_SECONDS = 2.0
# As many as the target group of the template allows. Each takes five seconds.
_HUNG_CHECKS = 3
# A stopping task gets no new requests: the load balancer in this process has already deregistered it.
_DRAIN = {"SLIPWAY_DRAIN_SECONDS": "0.2"}
_FAMILY = "com.amazonaws.ecs.task-definition-family"
_REVISION = "com.amazonaws.ecs.task-definition-version"


class Container:
    """One process with the interface of a container in a container engine's client."""

    def __init__(
        self, process: subprocess.Popen[bytes], address: str, log: Path, forget: Callable[[str], object]
    ) -> None:
        self.id = uuid.uuid4().hex
        self.address = address
        self.attrs = {"NetworkSettings": {"Networks": {"loopback": {"IPAddress": address}}}}
        self._process = process
        self._log = log
        self._forget = forget

    @property
    def status(self) -> str:
        """`running` or `exited`."""
        return "running" if self._process.poll() is None else "exited"

    def reload(self) -> None:
        """Do nothing: the status is always current."""

    def wait(self) -> dict[str, int]:
        """Wait for the exit code, which is 128 plus the signal's number if a signal ended the process."""
        code = self._process.wait()
        return {"StatusCode": code if code >= 0 else 128 - code}

    def stop(self, timeout: float = _KILL_SECONDS) -> None:
        """Wait for the requests that are on their way, as a deregistered target is drained, and end the process."""
        in_flight.await_none(self.address, timeout)
        self.end(timeout)

    def end(self, timeout: float = _KILL_SECONDS) -> None:
        """Send SIGTERM, then SIGKILL after ``timeout``."""
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self, reason: str) -> None:
        """Kill the process, and say why at the end of its log."""
        self._process.kill()
        with self._log.open("ab") as log:
            log.write(f"killed: {reason}\n".encode())

    def remove(self, **_: object) -> None:
        """Stop and forget the process; its log stays."""
        self.stop()
        self._forget(self.id)

    def logs(self, *, stream: bool = False, **_: object) -> Any:
        """The output so far, or with ``stream`` its lines until the process ends."""
        return self._lines() if stream else self._log.read_bytes()

    def _lines(self) -> Iterator[bytes]:
        with self._log.open("rb") as log:
            rest = b""
            while True:
                ended = self.status == "exited"
                rest += log.read()
                *lines, rest = rest.split(b"\n")
                yield from lines
                if ended:
                    yield rest
                    return
                time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class Image:
    """A stand-in for an image."""

    id: str

    def tag(self, *_: object, **__: object) -> bool:
        """Accept any tag."""
        return True


class Images:
    """A stand-in for an image store that has every image."""

    def pull(self, image: str, **_: object) -> Image:
        """Return the image without pulling."""
        return Image(f"sha256:{hashlib.sha256(image.encode()).hexdigest()}")

    get = get_registry_data = pull


@dataclass
class Containers:
    """The running processes.

    Args:
        command: the command of each process.
        folder: its working directory.
        root: the folder of the slipway.yaml that it reads.
        logs: the folder of the processes' log files.
    """

    command: Sequence[str]
    folder: Path
    root: Path
    logs: Path
    _running: dict[str, Container] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _closed: threading.Event = field(default_factory=threading.Event)
    _starting: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        _image: str,
        *,
        name: str,
        environment: Mapping[str, str],
        labels: Mapping[str, str],
        command: Sequence[str] | None = None,
        **_: Any,
    ) -> Container:
        """Start a process and return when it is ready or has ended; a job is returned as soon as it runs.

        MiniStack registers its target and stops the one that it replaces as soon as this returns.
        """
        family = labels[_FAMILY]
        definition = f"{family}:{labels[_REVISION]}"
        if command:
            return self._started(name, environment, definition, command)
        self._pause(family)
        container = self._started(name, environment, definition)
        url = f"http://{container.address}:{_PORT}{READY_PATH}"
        ready = self._await(container, url, self._patience(environment.get(MODEL)))
        self._failures[family] = 0 if ready else self._failures.get(family, 0) + 1
        if ready:
            threading.Thread(target=self._watch, args=(container,), name=f"watch {name}", daemon=True).start()
        return container

    def get(self, id_: str) -> Container:
        """The container with this id; raises KeyError."""
        return self._running[id_]

    def list(self, **_: object) -> list[Container]:
        """All running containers."""
        return [container for container in tuple(self._running.values()) if container.status == "running"]

    def close(self) -> None:
        """Stop all containers and refuse to start more."""
        with self._starting:
            self._closed.set()
        stopping = [threading.Thread(target=container.end) for container in self.list()]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _watch(self, container: Container) -> None:
        """Kill a container that answers no health check."""
        check, hung = Check(container.address, _PORT, READY_PATH, "200"), 0
        while container.status == "running" and not self._closed.wait(_CHECK_EVERY_SECONDS):
            hung = hung + 1 if probe(check) is Answer.HUNG else 0
            if hung == _HUNG_CHECKS and container.status == "running":
                container.kill(f"it answered none of {hung} health checks")

    def _pause(self, family: str) -> None:
        """Back off before restarting a container that fails to become ready, as ECS does."""
        if failures := self._failures.get(family, 0):
            self._closed.wait(min(2.0**failures, _LONGEST_PAUSE_SECONDS))

    def _refuse_if_closed(self) -> None:
        if self._closed.is_set():
            time.sleep(_POLL_SECONDS)  # MiniStack retries at once, until its process ends
            raise RuntimeError("the embedded AWS is being stopped")

    def _started(
        self, name: str, environment: Mapping[str, str], definition: str, command: Sequence[str] = ()
    ) -> Container:
        with self._starting:  # so that `close` sees every started process
            self._refuse_if_closed()
            container = self._start(name, environment, definition, command)
            self._running[container.id] = container
        return container

    def _start(self, name: str, environment: Mapping[str, str], definition: str, command: Sequence[str]) -> Container:
        address = unused_address(_PORT)
        own = {"SLIPWAY_HOST": address, "PORT": str(_PORT), **_settings_of(self.root), **_DRAIN}
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self.command, *command],
                cwd=self.folder,
                env=task_environment(environment, credentials=role_credentials(definition)) | own,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return Container(process, address, log, self._running.pop)

    def _patience(self, model: str | None) -> float:
        """The seconds that a task may take until it is ready, by slipway.yaml if that knows the model."""
        models = load_local(self.root / "slipway.yaml").models if model else {}
        return max(_READY_SECONDS, models[model].heavy.start_seconds if model in models else 0.0)

    def _await(self, container: Container, url: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while container.status == "running" and time.monotonic() < deadline and not self._closed.is_set():
            try:
                if httpx.get(url, timeout=_READY_SECONDS, trust_env=False).status_code == HTTPStatus.OK:
                    return True
            except httpx.TransportError:
                pass
            time.sleep(_POLL_SECONDS)
        return False


@dataclass(frozen=True)
class Engine:
    """The part of a container engine's client that MiniStack's ECS uses."""

    containers: Containers
    images: Images = field(default_factory=Images)


def _settings_of(root: Path) -> dict[str, str]:
    """Where a task finds its slipway.yaml and the user's modules, and the environment to read there.

    An image has only that environment's, and the modules beside Slipway's own.
    """
    file = root / "slipway.yaml"
    local = read_project(file).local if file.exists() else None
    return {"SLIPWAY_ROOT": str(root), "PYTHONPATH": str(root), **({"SLIPWAY_ENVIRONMENT": local} if local else {})}
