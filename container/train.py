"""Trains for one run of the state machine `retrain`: `python -m container train`, configured by its environment."""

import logging
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from container.settings import ENVIRONMENT, ROOT
from slipway.config import Config, load_config
from slipway.config.deployment.environment import CONTROL_TABLE, MODEL_BUCKET, TRAINING_BUCKET, TRAINING_RUN
from slipway.errors import ConfigError, FieldProblem, SlipwayError
from slipway.models.registry.opening import aws_registry
from slipway.monitoring.telemetry.gpu import gpu_utilization
from slipway.training.account.data import BucketDataSets
from slipway.training.account.desk import training_of
from slipway.training.account.drafts import Drafts
from slipway.training.account.fitting import fit
from slipway.training.account.versions import AccountVersions
from slipway.training.account.workspace import Workspace, scratch
from slipway.training.ports import NoExamples, Ports
from slipway.training.run import Run

INTERRUPTED = 75
"""The exit code of a task that was stopped: it has stored what it had, and another goes on from there."""

_LOG = logging.getLogger("slipway")


class Interrupted(BaseException):
    """The task is being stopped; no recipe should catch this."""


@dataclass(frozen=True)
class TrainingSettings:
    """A task's settings; ``root`` is the folder with slipway.yaml, and ``environment`` one of its environments."""

    run: Run
    control_table: str
    model_bucket: str
    bucket: str
    root: Path = Path()
    environment: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "TrainingSettings":
        """Read an environment; raises ConfigError, which names every missing variable, or an invalid run."""
        needed = (TRAINING_RUN, CONTROL_TABLE, MODEL_BUCKET, TRAINING_BUCKET)
        missing = [FieldProblem(name, "is required") for name in needed if not environment.get(name)]
        if missing:
            raise ConfigError("the environment", missing)
        _, *others = (environment[name] for name in needed)
        root = Path(environment.get(ROOT) or ".")
        return cls(_run(environment[TRAINING_RUN]), *others, root, environment.get(ENVIRONMENT) or None)


def _run(text: str) -> Run:
    try:
        return Run.model_validate_json(text)
    except ValidationError as error:
        raise ConfigError("the environment", [FieldProblem(TRAINING_RUN, f"must be a run as JSON: {error}")]) from error


def main(_: Sequence[str] = ()) -> int:
    """Train, and return 0, `INTERRUPTED`, or 1 if it failed; the bucket then has the reason."""
    try:
        settings = TrainingSettings.of(os.environ)
        config = load_config(settings.root / "slipway.yaml", settings.environment)
    except SlipwayError as error:
        _LOG.error("cannot train: %s", error)
        return 1
    return train(settings, config, scratch("runs", settings.run.id))


def train(settings: TrainingSettings, config: Config, folder: Path) -> int:
    """Train in ``folder``; a stopped task stores it, for the next one to go on from."""
    run, workspace = settings.run, Workspace(settings.bucket)
    registry = aws_registry(settings.control_table, settings.model_bucket)()
    versions = AccountVersions(config, settings.root, registry, workspace, scratch())
    ports = Ports(NoExamples(), BucketDataSets(workspace, scratch("data")), versions)
    drafts = Drafts(workspace)
    try:
        _begin(config, run, drafts)
        with _interrupted_by_signal():
            drafts.say_failure(run, "")  # that of an earlier attempt does not explain how this one ends
            fit(run, ports, drafts, folder, root=settings.root)
    except Interrupted:
        drafts.keep_attempt(run, folder)
        _LOG.warning("training run %s was interrupted; what it had is stored", run.id)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the recipe is the user's code, and may raise anything
        _LOG.error("training run %s failed: %s", run.id, error, exc_info=error)
        drafts.say_failure(run, _sentence(error))
        return 1
    return 0


def _begin(config: Config, run: Run, drafts: Drafts) -> None:
    """Note that there is a task, so that a time limit tells a slow recipe from a GPU that never came."""
    drafts.say_started(run)
    if training_of(config, run.model).compute == "gpu" and gpu_utilization() is None:
        _LOG.warning("training run %s asks for a GPU, and nvidia-smi finds none here; the recipe does without", run.id)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, SlipwayError) else f"the recipe raised {type(error).__name__}: {error}"


@contextmanager
def _interrupted_by_signal() -> Iterator[None]:
    """Raise `Interrupted` where a signal stops the task: Fargate sends SIGTERM, two minutes before Spot ends it."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as `signal` calls it
        raise Interrupted

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
