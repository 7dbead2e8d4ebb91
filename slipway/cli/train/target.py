"""Find the training that the commands use: in a running embedded AWS, else in the deployed stacks."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway.aws.table import lazy_client
from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.project import load_project
from slipway.config import Config
from slipway.errors import NotFoundError
from slipway.training.account.desk import training_of
from slipway.training.account.executions import Executions
from slipway.training.account.progress import Progress
from slipway.training.account.table import DynamoRuns

_MACHINE = "TrainingStateMachine"


@dataclass(frozen=True)
class TrainingTarget:
    """A slipway.yaml and its deployment."""

    config: Config
    deployed: Deployed

    @cached_property
    def runs(self) -> DynamoRuns:
        """The runs of the project."""
        return DynamoRuns(self.deployed.output("ControlTable"), client=lazy_client(**self.options))

    @cached_property
    def executions(self) -> Executions:
        """The executions of its state machine; raises NotFoundError if the stack of training is not deployed."""
        if _MACHINE not in self.deployed.outputs:
            place, stack = self.deployed.place, f"{self.config.project}-training"
            raise NotFoundError(
                f"stack in {place}", stack, way_out="`cdk deploy --all` or `slipway local deploy` adds it"
            )
        return Executions(self.deployed.output(_MACHINE), self.options)

    @property
    def options(self) -> dict[str, Any]:
        """The options of boto3's clients."""
        return self.deployed.options

    @property
    def log_groups(self) -> list[str]:
        """The log groups of the steps and tasks."""
        return [name for name in self.deployed.outputs.get("TrainingLogs", "").split(",") if name]

    def caller(self) -> str:
        """The caller's ARN."""
        from slipway.aws.identity import caller_arn

        return caller_arn(**self.options)

    def run(self, model: str, run: str | None) -> Progress:
        """A run of a model, by default the newest; raises NotFoundError."""
        if run is not None:
            return self.runs.get(model, run)
        newest = next(iter(self.runs.past(model)), None)
        if newest is None:
            raise NotFoundError("training run of model", model, way_out=f"`slipway train start {model}` starts one")
        return newest

    def is_dead(self, progress: Progress) -> bool:
        """Whether a run that has not ended has no execution any more."""
        return not progress.phase.ended and not self.executions.is_running(progress.execution)


def find_training(config_file: Path, model: str | None = None) -> TrainingTarget:
    """Find the deployment of a slipway.yaml, which trains ``model`` again if one is named.

    Raises:
        NotFoundError: slipway.yaml lacks the model, or nothing is deployed.
        InputError: the model has no `training`.
        UnavailableError: AWS cannot be reached.
    """
    config = load_project(config_file)
    if model is not None:
        training_of(config, model)
    return TrainingTarget(config, find_deployed(config.project))
