"""Copies of shipped versions that are trained again, by all steps of a run in one process, and invented tweets."""

import random
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from slipway.config.training import TrainingConfig, TrainingGates
from slipway.models.measurements.golden import prove
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.training.local import LocalDataSets, LocalVersions, Settings, Trained, run_all
from slipway.training.ports import Example, Ports
from slipway.training.run import Trigger, new_run
from support.training import GivenExamples

ROOT = Path(__file__).parents[2]
START = datetime(2013, 4, 1, tzinfo=UTC)
ANY = TrainingGates(max_drop=None, min_agreement=None, max_label_shift=None)
WORDS = {
    "negative": ["dreadful", "broken", "gloomy"],
    "neutral": ["ordinary", "printed", "scheduled"],
    "positive": ["lovely", "sunny", "brilliant"],
}
THINGS = ["morning", "train", "phone", "match", "song", "walk"]


@dataclass
class Retrained:
    """A copy of one model's versions in a folder, trained again on given examples."""

    root: Path
    model: str
    examples: GivenExamples

    @classmethod
    def of(cls, root: Path, model: str, versions: Iterable[int], examples: Iterable[Example]) -> "Retrained":
        for version in versions:
            shutil.copytree(ROOT / "models" / model / str(version), root / "models" / str(version))
        return cls(root, model, GivenExamples(examples))

    @property
    def versions(self) -> LocalVersions:
        return LocalVersions(self.root / "models", self.root / "build")

    def train(self, name: str, parent: int, **training: object) -> Trained:
        config = TrainingConfig.model_validate({"min_new_labels": 10, "window_days": 900, **training})
        now = max(each.time for each in self.examples.given) + timedelta(seconds=1)
        trigger = Trigger(kind="schedule")
        run = new_run(self.model, config, id=name, trigger=trigger, parent=parent, now=now, by="a tester")
        settings = Settings(self.root / "runs" / name, ROOT, ANY, config.gates.model_copy(update={"max_drop": None}))
        ports = Ports(self.examples, LocalDataSets(self.root / "build"), self.versions)
        done = run_all(ports, run, settings)
        assert isinstance(done, Trained), done
        return done

    def package(self, done: Trained) -> Package:
        assert done.version is not None, done.check.failed
        return self.versions.package(self.model, done.version)

    def state(self, done: Trained) -> Path:
        assert done.version is not None, done.check.failed
        folder = self.versions.state(self.model, done.version)
        assert folder is not None
        return folder


def tweets(
    count: int, *, words: Mapping[str, Sequence[str]] = WORDS, seed: int = 4, start: datetime = START
) -> list[Example]:
    """Texts that two words tell the label of, an hour apart."""
    chance = random.Random(seed)  # noqa: S311 - toy texts
    return [_tweet(at, chance, words, start + timedelta(hours=at)) for at in range(count)]


def _tweet(number: int, chance: random.Random, words: Mapping[str, Sequence[str]], time: datetime) -> Example:
    label = list(words)[number % len(words)]
    one, other = chance.choice(words[label]), chance.choice(words[label])
    return Example(f"{time:%m%d%H}", time, {"text": f"the {chance.choice(THINGS)} was {one} and {other}"}, label)


def accuracy(package: Package, examples: Sequence[Example]) -> float:
    """The share of examples that a package answers truly, each alone."""
    predictor = Predictor(package)
    return float(np.mean([predictor.predict([each.record])[0]["label"] == each.true for each in examples]))


def assert_learned(package: Package) -> None:
    """It proves itself by as many golden records as the shipped version has, and answers what it was taught."""
    proof = prove(Predictor(package))
    assert proof is not None
    assert proof.records == 36
    assert accuracy(package, tweets(30, seed=9)) > 0.9
