"""The running environment's state, in `.slipway/local.json`, for `slipway local status`, other commands and scripts."""

from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from local.environment.processes import Child
from slipway.errors import ConfigError, FieldProblem, InputError

FILE = "local.json"
EMULATOR = "emulator"
FRONT_DOOR = "front door"
CONSOLE = "console"


class Credentials(BaseModel):
    """The keys of the emulator's administrator, which are valid nowhere else."""

    access_key_id: str
    secret_access_key: str


class Process(BaseModel):
    """One process of the embedded AWS."""

    name: str
    pid: int
    started: float
    log: str

    @property
    def child(self) -> Child:
        """The process as a `Child`."""
        return Child(self.name, self.pid, self.started, self.log)


class State(BaseModel):
    """Addresses, keys, heavy models and processes; `ready` is false until the API answers."""

    model_config = ConfigDict(extra="forbid")

    ready: bool = False
    api: str
    emulator: str
    console: str | None = None
    region: str
    credentials: Credentials
    outputs: dict[str, dict[str, str]] = {}
    heavy_models: list[str] = []
    processes: list[Process] = []

    @property
    def children(self) -> list[Child]:
        """The processes, in the order they were started."""
        return [process.child for process in self.processes]

    @property
    def alive(self) -> bool:
        """Whether any of the processes is still running."""
        return any(child.alive for child in self.children)

    @property
    def emulator_alive(self) -> bool:
        """Whether the emulator, which has all that is stored, is still running."""
        return any(child.alive for child in self.children if child.name == EMULATOR)

    @property
    def problems(self) -> list[str]:
        """What does no work, e.g. `the front door has ended`."""
        return [f"the {child.name} {child.problem}" for child in self.children if child.problem]

    def with_child(self, child: Child) -> "State":
        """The state with one more process."""
        return self.model_copy(update={"processes": [*self.processes, Process(**asdict(child))]})


def read(folder: Path) -> State | None:
    """Read the state in a folder, or None.

    Raises:
        ConfigError: the file was not written by `write`.
        InputError: the folder cannot be read.
    """
    path = folder / FILE
    try:
        return State.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError.of("--state", f"{folder} cannot be read: {error.strerror}") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(path, [FieldProblem("(file)", "is not readable; delete it")]) from error


def write(folder: Path, state: State) -> None:
    """Write a state to its file atomically; only its owner may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE}.draft"
    draft.touch(mode=0o600)
    draft.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
    draft.replace(folder / FILE)


def clear(folder: Path) -> None:
    """Remove the file."""
    (folder / FILE).unlink(missing_ok=True)
