"""Why a run failed while it trained: the recipe was slow, or no task ever began."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest
from support.training import MODEL

from functions.training.services import Services
from functions.training.steps import fail_step
from slipway.config import Config, parse_config
from slipway.training.account.desk import Desk, Start
from slipway.training.account.drafts import Drafts
from slipway.training.account.progress import Phase
from slipway.training.account.table import DynamoRuns
from slipway.training.account.workspace import Workspace
from slipway.training.run import Run, Trigger

TIMEOUT = {"Error": "States.Timeout", "Cause": ""}


@dataclass
class Served:
    """The services of a step whose people hear nothing."""

    config: Config
    runs: DynamoRuns
    workspace: Workspace
    told: list[str] = field(default_factory=list)

    def desk(self, *, tells: bool) -> Desk:
        assert tells
        return Desk(
            self.config,
            self.runs,
            is_running=lambda _: False,
            stable=lambda _: 1,
            tell=lambda _, text: self.told.append(text),
            clock=lambda: datetime(2026, 7, 1, tzinfo=UTC),
        )


def training_run(compute: str, runs: DynamoRuns, workspace: Workspace) -> tuple[Served, Run]:
    """A run that trains."""
    training = f'{{recipe: "recipe:train", compute: {compute}}}'
    config = parse_config(f"models: {{{MODEL}: {{versions: [1], stable: 1, training: {training}}}}}")
    served = Served(config, runs, workspace)
    begun = served.desk(tells=True).begin(Start(MODEL, "one", "arn:one", Trigger(kind="hand", reason=""), "a person"))
    assert begun.run is not None
    served.desk(tells=True).enter(begun.run, Phase.TRAINING)
    return served, begun.run


@pytest.mark.parametrize(
    ("compute", "started", "sentence"),
    [
        ("gpu", False, "It failed while training: no instance with a GPU came within its time limit."),
        ("gpu", True, "It took longer than its time limit while training."),
        ("fargate", False, "It took longer than its time limit while training."),
    ],
)
def test_a_run_that_got_no_gpu_says_so(
    dynamo_runs: DynamoRuns, workspace: Workspace, compute: str, started: bool, sentence: str
) -> None:
    served, run = training_run(compute, dynamo_runs, workspace)
    if started:
        Drafts(workspace).say_started(run)
    found = fail_step(cast("Services", served), {"run": run.model_dump(mode="json"), "error": TIMEOUT})
    assert found == {"reason": sentence}
    assert dynamo_runs.get(MODEL, run.id).phase is Phase.FAILED
    assert sentence in served.told[-1]
