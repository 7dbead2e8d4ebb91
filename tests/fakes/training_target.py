"""A deployment whose training runs are in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fakes.training_runs import RunsInMemory
from slipway.cli.train.target import TrainingTarget
from slipway.training.account.executions import Answer
from slipway.training.account.progress import Progress


@dataclass
class ExecutionsInMemory:
    """Executions that each write their run down as the desk does; ``begun`` makes it of the run's id and the ARN."""

    runs: RunsInMemory
    begun: Callable[[str, str], Progress]
    running: set[str] = field(default_factory=set)
    started: list[Mapping[str, Any]] = field(default_factory=list)
    answers: list[tuple[str, Answer]] = field(default_factory=list)

    def start(self, name: str, given: Mapping[str, Any]) -> str:
        self.started.append(given)
        self.running.add(f"arn:{name}")
        self.runs.save(self.begun(given["run"], f"arn:{name}"))
        return f"arn:{name}"

    def is_running(self, arn: str) -> bool:
        return arn in self.running

    def answer(self, token: str, given: Answer) -> None:
        self.answers.append((token, given))


@dataclass(frozen=True)
class TargetInMemory(TrainingTarget):
    """A deployment in memory, asked by ``who``."""

    # Without `field()` they would have the properties of `TrainingTarget` as their defaults.
    runs: Any = field()
    executions: Any = field()
    who: str = field()

    def caller(self) -> str:
        return self.who
