"""An embedded AWS of a benchmark's own, with the project of this checkout."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmarks.bundles import REPOSITORY
from local.emulator.addresses import held
from local.environment.local_environment import LocalEnvironment
from local.environment.state import State


@contextmanager
def embedded(folder: Path, *, console: int | None = None) -> Iterator[State]:
    """Start it with its state in ``folder``/.slipway, say each step, and stop it; ``console`` is the console's port."""
    with held(0) as port:
        pass
    environment = LocalEnvironment(REPOSITORY, folder / ".slipway")
    try:
        yield environment.up(port=port, console=console, step=lambda what: nullcontext(print(what, flush=True)))
    finally:
        environment.down()
