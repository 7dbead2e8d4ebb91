"""Releases under the load, by the commands that people give."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PROMOTED = "promoted"
# Half of the traffic, and margins that the requests of some minutes can prove on a busy machine.
CANARY = {
    "share": "0.5",
    "bake_minutes": "1",
    "warm_minutes": "0",
    "judge.min_requests": "30",
    "judge.errors.margin": "0.1",
    "judge.p50.ratio": "3",
    "judge.p99.ratio": "5",
    "judge.p99.proven": "false",
}
# Versions that answer the same texts otherwise are not the point here.
STICKY = {"sticky": "text", "warm_minutes": "0", "judge.labels.enabled": "false", "judge.score.enabled": "false"}
# A process of the light tier learns of a release so late at most.
EFFECT_SECONDS = 20.0


@dataclass(frozen=True)
class Releases:
    """The releases of the environment whose state is in ``folder``/.slipway.

    ``config`` is its slipway.yaml.
    """

    folder: Path
    config: Path

    def start(self, model: str, version: int, strategy: str, options: Mapping[str, str]) -> None:
        """Start a release."""
        given = [f"--option={name}={value}" for name, value in options.items()]
        self._command("start", model, str(version), "--strategy", strategy, *given, "--reason", "load")

    def roll_back(self, model: str) -> None:
        """Send all traffic back to the stable version."""
        self._command("rollback", model, "--reason", "the load is over")

    def record(self, model: str) -> dict[str, Any]:
        """The last release of a model, as `slipway release status --json` has it."""
        found: dict[str, Any] = json.loads(self._command("status", model, "--json"))[0]
        return found

    def _command(self, *arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("slipway")), "release", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def running_span(record: Mapping[str, Any]) -> tuple[float, float] | None:
    """The time in which every process kept to a release's shares, or None if it never shared the traffic."""
    entries = [(datetime.fromisoformat(entry["at"]).timestamp(), entry["phase"]) for entry in record["history"]]
    since = next((at for at, phase in entries if phase == "running"), None)
    if since is None:
        return None
    until = next((at for at, phase in entries if at > since and phase != "running"), float("inf"))
    return since + EFFECT_SECONDS, until
