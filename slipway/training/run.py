"""One training run: what started it, and everything that its steps need to do the same again."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from slipway.config import Name, VersionNumber
from slipway.config.training import Entry, Mode, Scalar, TrainingConfig
from slipway.models.manifest import GitCommit

RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]
"""As the name of an execution of Step Functions may be."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trigger(_Part):
    """What started a run: a person, the schedule, or a finding of the monitor, with a sentence on it."""

    kind: Literal["hand", "schedule", "drift", "accuracy"] = "hand"
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}" if self.reason else self.kind


class Window(_Part):
    """The time in which the predictions were made that a run learns from: [``since``, ``until``)."""

    since: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.since >= self.until:
            raise ValueError("`since` must be before `until`")
        return self


class Run(_Part):
    """One run. Every step takes it as it is, so that a step that is done again does the same.

    ``parent`` is the version that serves when the run starts: the result is compared with it, and with
    ``mode: stateful``, training goes on from it. None if the model has no version yet. ``git_commit`` is that of the
    recipe's code.
    """

    format: Literal[1] = 1
    id: RunId
    model: Name
    trigger: Trigger
    recipe: Entry
    parameters: dict[str, Scalar] = {}
    mode: Mode = "stateless"
    features: Literal["served", "history"] = "served"
    parent: VersionNumber | None
    window: Window
    min_new_labels: Annotated[int, Field(ge=1)]
    validation: Annotated[float, Field(gt=0, lt=1)]
    started_at: AwareDatetime
    by: Annotated[str, Field(min_length=1)]
    git_commit: GitCommit | None = None

    def fingerprint(self, data_sha256: str) -> str:
        """The SHA-256 of what decides the result: the data, the recipe with its code, and what it goes on from."""
        parent = self.parent if self.mode == "stateful" else None
        parts: list[Any] = [data_sha256, self.recipe, self.git_commit, self.parameters, self.mode, parent]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def new_run(
    model: str,
    training: TrainingConfig,
    *,
    id: str,
    trigger: Trigger,
    parent: int | None,
    now: datetime,
    by: str,
    git_commit: str | None = None,
) -> Run:
    """A run of the configured recipe on the labels of the window that ends ``now``."""
    return Run(
        id=id,
        model=model,
        trigger=trigger,
        recipe=training.recipe,
        parameters=training.parameters,
        mode=training.mode,
        features=training.features,
        parent=parent,
        window=Window(since=now - timedelta(days=training.window_days), until=now),
        min_new_labels=training.min_new_labels,
        validation=training.validation,
        started_at=now,
        by=by,
        git_commit=git_commit,
    )
