"""An image built by buildah, and a container of it, run as an orchestrator does: one process, its root read-only."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

# Kernel file systems as in any container, and /tmp the only place to write to. The mounts end with the namespace.
_ENTER = """
set -e
root=$1 user=$2 folder=$3; shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/urandom" c 1 9
mount --bind -o ro /sys "$root/sys"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" --groups= "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


def buildah(*arguments: str) -> str:
    return subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@dataclass(frozen=True)
class Image:
    """An image by its name, and its files below ``root``, which nothing changes."""

    name: str
    root: Path

    @cached_property
    def description(self) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", self.name))["Docker"]
        return described

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.description["config"]
        return config

    @property
    def layers(self) -> list[str]:
        """The digests of the layers, the lowest first."""
        digests: list[str] = self.description["rootfs"]["diff_ids"]
        return digests

    @property
    def environment(self) -> dict[str, str]:
        return dict(variable.split("=", 1) for variable in self.config["Env"])

    def start(self, command: list[str], environment: Mapping[str, str], **options: Any) -> subprocess.Popen[str]:
        """Run a command in a container of the image, as its user, in its working directory."""
        namespaces = ["unshare", "--mount", "--pid", "--fork"]
        inside = [str(self.root), self.config["User"], self.config["WorkingDir"], *command]
        variables = {**self.environment, **environment}
        return subprocess.Popen(
            [*namespaces, "/bin/sh", "-c", _ENTER, "enter", *inside], env=variables, text=True, **options
        )

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its error output comes with its output."""
        process = self.start(list(command), environment or {}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, output)


class Service:
    """The image's own entry point, running on a free port of loopback."""

    def __init__(self, image: Image, environment: Mapping[str, str], log: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.image = image
        self.log = log
        self.environment = {**environment, "PORT": str(self.port), "SLIPWAY_HOST": "127.0.0.1"}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        with log.open("w", encoding="utf-8") as output:
            entry = image.config["Entrypoint"]
            self.process = image.start(entry, self.environment, stdout=output, stderr=subprocess.STDOUT)

    def wait_until_ready(self, *, seconds: float = 60) -> None:
        """Raises AssertionError, with what the service wrote, if it ends or is not ready in time."""
        until = time.monotonic() + seconds
        while not self._is_ready():
            assert self.process.poll() is None, f"the container ended:\n{self.written()}"
            assert time.monotonic() < until, f"the container is not ready after {seconds} s:\n{self.written()}"
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return self.client.get("/v2/health/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """The container's first process, as this machine numbers it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])

    def written(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def terminate(self) -> None:
        """Ask it to stop, as an orchestrator does."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
