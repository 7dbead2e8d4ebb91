"""A model that is trained again: points, whose label is whether they lie right of a boundary that moves."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas
from sklearn.linear_model import LogisticRegression

from slipway.config import GatesConfig
from slipway.config.training import TrainingConfig, TrainingGates
from slipway.models.importing.importer import import_model
from slipway.models.importing.request import ImportRequest
from slipway.training.local import LocalDataSets, LocalVersions, Settings
from slipway.training.ports import Example, Ports
from slipway.training.run import Run, Trigger, new_run

MODEL = "points"
START = datetime(2026, 3, 1, tzinfo=UTC)
RECIPE = """
from sklearn.linear_model import LogisticRegression

calls = []


def train(data, draft, parent):
    calls.append((draft.run.id, parent))
    frame = data.train().to_pandas()
    model = LogisticRegression(C=float(draft.parameters.get("C", 1.0)))
    draft.from_sklearn(model.fit(frame[["x", "y"]], frame["label"], sample_weight=frame["_weight"]), seed=1)
    (draft.state / "seen.txt").write_text(str(len(frame)))
"""


def settings(project: str, training: str) -> str:
    """The slipway.yaml of a project that trains the model again; ``training`` is a mapping in one line."""
    return f"""\
project: {project}
batch: {{ enabled: false }}
api: {{ authorization: none }}
light: {{ snap_start: false, deployment: all-at-once }}
monitoring: {{ alarms: {{ findings: false }} }}
models:
  {MODEL}: {{ versions: [1], stable: 1, capture: {{ sample: 1 }}, training: {training} }}
"""


def points(count: int, *, boundary: float = 0.0, seed: int = 1, start: datetime = START) -> list[Example]:
    """Labelled points, one a minute."""
    chance = random.Random(seed)  # noqa: S311
    return [_point(number, chance, boundary, start) for number in range(count)]


def _point(number: int, chance: random.Random, boundary: float, start: datetime) -> Example:
    x, y = chance.gauss(0, 1), chance.gauss(0, 1)
    right = x + chance.gauss(0, 0.3) > boundary
    time = start + timedelta(minutes=number)
    return Example(f"{start:%m%d}-{number}", time, {"x": x, "y": y}, "right" if right else "left")


def flipped(examples: Iterable[Example]) -> list[Example]:
    """The same with the opposite labels, as of a poisoned feed."""
    return [replace(each, true="left" if each.true == "right" else "right") for each in examples]


class GivenExamples:
    """`Examples` of a list."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self.given = list(examples)

    def examples(self, run: Run) -> Iterator[Example]:
        return (each for each in self.given if run.window.since <= each.time < run.window.until)


@dataclass
class Workplace:
    """A project in a folder with version 1 of the model, learned from points around 0, and the recipe ``module``."""

    root: Path
    module: str
    examples: GivenExamples
    config: TrainingConfig

    @property
    def versions(self) -> LocalVersions:
        return LocalVersions(self.root / "models" / MODEL, self.root / "build")

    @property
    def ports(self) -> Ports:
        return Ports(self.examples, LocalDataSets(self.root / "build"), self.versions)

    def run(self, name: str = "one", *, parent: int = 1, until: datetime | None = None, **changed: Any) -> Run:
        newest = max(each.time for each in self.examples.given)
        now = until or newest + timedelta(seconds=1)
        run = new_run(
            MODEL, self.config, id=name, trigger=Trigger(reason="a test"), parent=parent, now=now, by="a tester"
        )
        return run.model_copy(update=changed)

    def settings(self, run: Run, gates: TrainingGates | None = None, own: GatesConfig | None = None) -> Settings:
        folder = self.root / "build" / "runs" / run.id
        return Settings(folder, self.root, gates or self.config.gates, own or GatesConfig())


def workplace(root: Path, module: str, examples: Iterable[Example], **training: Any) -> Workplace:
    """Make the project; ``module`` is a name that no other test's recipe has, since modules are imported once."""
    (root / f"{module}.py").write_text(RECIPE, encoding="utf-8")
    first = points(400, seed=7, start=START - timedelta(days=30))
    frame = frame_of(first)
    frame.to_csv(root / "first.csv", index=False)
    model = LogisticRegression().fit(frame[["x", "y"]], frame["label"])
    import_model(
        ImportRequest(
            sklearn=f"{module}:first", fitted=model, name=MODEL, records=root / "first.csv", models=root / "models"
        )
    )
    given: Mapping[str, Any] = {"min_new_labels": 50, **training}
    return Workplace(root, module, GivenExamples(examples), TrainingConfig(recipe=f"{module}:train", **given))


def frame_of(examples: Iterable[Example]) -> pandas.DataFrame:
    return pandas.DataFrame([{**each.record, "label": each.true} for each in examples])
