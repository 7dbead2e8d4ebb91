"""`slipway local loop` in a process of its own, as a user runs it, and what came of it as JSON.

python -m support.played_loop CHECKOUT FOLDER
"""

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.embedded import ANSWER_SECONDS

_OUTCOME = "outcome.json"
_TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Played:
    """The lines that the loop printed, and its outcome."""

    said: list[str]
    outcome: dict[str, Any]


def played(checkout: Path, folder: Path) -> Played:
    """Play the loop of a checkout in an empty folder; a loop that fails fails the test with all that it printed."""
    command = [sys.executable, "-m", "support.played_loop", str(checkout), str(folder)]
    done = subprocess.run(command, cwd=_TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Played(done.stdout.splitlines(), json.loads((folder / _OUTCOME).read_text(encoding="utf-8")))


def main() -> None:
    checkout, folder = map(Path, sys.argv[1:])
    sys.path.insert(0, str(checkout))
    from local.environment.local_environment import LocalEnvironment
    from slipway.cli.local.loop.command import play_loop

    LocalEnvironment.answer_seconds = ANSWER_SECONDS
    outcome = play_loop(checkout, folder, print, lambda _: nullcontext())
    trained, release, ledger = outcome.trained, outcome.release, outcome.ledger
    found = {
        "trained": {
            "phase": trained.phase,
            "version": trained.version,
            "parent": trained.run.parent,
            "release": trained.release,
            "rows": trained.data.rows if trained.data else 0,
            "gates": len(trained.gates),
        },
        "release": {"id": release.id, "phase": release.phase, "winner": release.winner},
        "poisoned": {"phase": outcome.poisoned.phase, "version": outcome.poisoned.version},
        "serving": outcome.serving,
        "months": {
            number: {
                "poisoned": month.poisoned,
                "versions": sorted(month.by_version),
                "accuracies": [month.accuracy, month.accuracy_first],
            }
            for number, month in ledger.months.items()
        },
        "marks": [mark.what for mark in ledger.marks],
        "picture": outcome.picture.read_text(encoding="utf-8"),
    }
    (folder / _OUTCOME).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
