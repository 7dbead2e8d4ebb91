"""Reads what this machine has: Node, the CDK CLI of the checkout, and Docker."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60


@dataclass(frozen=True)
class Machine:
    """The machine that deploys; ``root`` is the checkout, ``docker`` the command that builds images."""

    root: Path
    docker: str = "docker"

    @property
    def cdk(self) -> Path:
        """The CDK CLI of the checkout."""
        return self.root / "node_modules" / ".bin" / "cdk"

    def node_version(self) -> str | None:
        """`v22.1.0`, or None if there is no Node."""
        return _printed(["node", "--version"])

    def cdk_version(self) -> str | None:
        """`2.1148.1`, or None if the CLI is not installed."""
        printed = _printed([str(self.cdk), "--version"])
        return printed.partition(" ")[0] if printed else None

    def pinned_cdk(self) -> str | None:
        """The version of the CLI in package.json; None if it has none."""
        file = self.root / "package.json"
        if not file.exists():
            return None
        package = json.loads(file.read_text(encoding="utf-8"))
        pinned: str | None = {**package.get("dependencies", {}), **package.get("devDependencies", {})}.get("aws-cdk")
        return pinned

    def docker_answers(self) -> bool:
        """Whether the builder of images works."""
        return _printed([self.docker, "info"]) is not None


def _printed(command: list[str]) -> str | None:
    """What a command prints; None if it is not there, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
