"""The shipped models' recipes as functions of the contract: each trains a model again, and goes on from a parent."""

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_breast_cancer
from support.training import GivenExamples

from recipes import breast_cancer, flight_delay
from recipes.flights.data import COLUMNS, LABEL, LATE, ON_TIME
from slipway.config.training import TrainingConfig, TrainingGates
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.training.local import LocalDataSets, LocalVersions, Settings, Trained, run_all
from slipway.training.ports import Example, Ports
from slipway.training.run import Trigger, new_run

ROOT = Path(__file__).parents[3]
START = datetime(2013, 4, 1, tzinfo=UTC)
ANY = TrainingGates(max_drop=None, min_agreement=None, max_label_shift=None)


class Place:
    """A copy of one shipped model, trained again on the given examples."""

    def __init__(self, root: Path, model: str, versions: tuple[int, ...], examples: list[Example]) -> None:
        for version in versions:
            shutil.copytree(ROOT / "models" / model / str(version), root / "models" / str(version))
        self.root, self.model, self.examples = root, model, GivenExamples(examples)
        self.versions = LocalVersions(root / "models", root / "build")
        self.ports = Ports(self.examples, LocalDataSets(root / "build"), self.versions)

    def train(self, name: str, parent: int, **training: object) -> Trained:
        config = TrainingConfig.model_validate({"min_new_labels": 10, "window_days": 900, **training})
        now = max(each.time for each in self.examples.given) + timedelta(seconds=1)
        trigger = Trigger(kind="schedule")
        run = new_run(self.model, config, id=name, trigger=trigger, parent=parent, now=now, by="a tester")
        settings = Settings(self.root / "runs" / name, ROOT, ANY, config.gates.model_copy(update={"max_drop": None}))
        done = run_all(self.ports, run, settings)
        assert isinstance(done, Trained), done
        return done

    def package(self, done: Trained) -> Package:
        assert done.version is not None, done.check.failed
        return self.versions.package(self.model, done.version)


def flights(count: int, *, start: datetime = START, seed: int = 1) -> list[Example]:
    """Flights that are late where it blows, one every ten minutes."""
    chance = random.Random(seed)  # noqa: S311
    return [_flight(at, chance, start + timedelta(minutes=10 * at)) for at in range(count)]


def _flight(number: int, chance: random.Random, time: datetime) -> Example:
    wind = chance.uniform(0, 40)
    record = dict.fromkeys(COLUMNS, 10.0) | {
        "carrier": chance.choice(["UA", "B6"]),
        "origin": chance.choice(["EWR", "JFK", "LGA"]),
        "destination": "ORD",
        "departure": 600 + number % 600,
        "arrival": 800,
        "weekday": 1 + number % 7,
        "distance": 719.0,
        "wind_speed": wind,
        "wind_gust": wind * 1.2 if wind > 20 else None,
        "pressure": 1010.0,
    }
    return Example(f"{time:%m%d%H%M}", time, record, LATE if wind > 25 else ON_TIME)


class TestFlights:
    def place(self, root: Path) -> Place:
        return Place(root, "flight-delay", (1, 2), flights(900))

    def test_it_answers_as_the_pipeline_that_a_person_fits_to_the_same_rows(self, tmp_path: Path) -> None:
        place = self.place(tmp_path)
        done = place.train("one", 1, recipe="recipes.flight_delay:train", parameters={"max_iter": 20})
        rows = pandas.DataFrame([{**each.record, LABEL: each.true} for each in place.examples.given])
        by_hand = flight_delay.between_values(
            flight_delay.fit(rows[:720], {**flight_delay.BOOSTING[2], "max_iter": 20})
        )
        answers = Predictor(place.package(done)).predict([each.record for each in place.examples.given[720:]])
        expected = flight_delay.probability_of_late(by_hand, rows[720:])
        assert [answer["scores"][LATE] for answer in answers] == pytest.approx(list(expected), abs=1e-5)
        assert np.mean([a["label"] == e.true for a, e in zip(answers, place.examples.given[720:], strict=True)]) > 0.95

    def test_thresholds_that_are_a_value_but_for_rounding_are_moved_away_from_it(self) -> None:
        rows = pandas.DataFrame([{**each.record, LABEL: each.true} for each in flights(400)])
        rows["wind_speed"] = rows["wind_speed"].round(2)
        model = flight_delay.fit(rows, {**flight_delay.BOOSTING[1], "max_iter": 3})
        before = model.predict_proba(rows[COLUMNS])
        [(first,), *_] = model.named_steps["trees"]._predictors
        first.nodes["num_threshold"][0] = np.nextafter(33.08, 0)
        flight_delay.between_values(model)
        assert first.nodes["num_threshold"][0] == pytest.approx(33.085, abs=1e-9)
        again = flight_delay.between_values(
            flight_delay.fit(rows, {**flight_delay.BOOSTING[1], "max_iter": 3})
        ).predict_proba(rows[COLUMNS])
        assert np.abs(again - before).max() < 0.05
        assert (np.abs(again - before).max(axis=1) > 0).mean() < 0.05

    def test_training_again_gives_the_same_graph(self, tmp_path: Path) -> None:
        small = {"recipe": "recipes.flight_delay:train", "parameters": {"max_iter": 5}}
        done = [self.place(tmp_path / name).train("one", 1, **small) for name in ("here", "there")]
        assert done[0].data.sha256 == done[1].data.sha256
        graphs = [each.package.path("model.onnx").read_bytes() for each in done]
        assert graphs[0] == graphs[1]

    def test_callers_need_not_change_anything(self, tmp_path: Path) -> None:
        place = self.place(tmp_path)
        done = place.train("one", 2, recipe="recipes.flight_delay:train", parameters={"max_iter": 5})
        before, after = place.versions.package("flight-delay", 2).manifest, place.package(done).manifest
        assert (after.inputs, after.outputs) == (before.inputs, before.outputs)

    def test_a_stateful_version_remembers_what_its_window_no_longer_has(self, tmp_path: Path) -> None:
        place = self.place(tmp_path)
        trees = {"max_iter": 20}
        first = place.train("one", 1, recipe="recipes.flight_delay:train", parameters=trees, mode="stateful")
        # A month without wind, in which a few are late for no reason: alone, it cannot teach that wind makes late.
        still = [each for each in flights(2000, start=START + timedelta(days=30), seed=2) if each.true == ON_TIME][:600]
        calm = [replace(each, true=LATE) if at % 20 == 0 else each for at, each in enumerate(still)]
        storm = flights(200, start=START + timedelta(days=60), seed=3)
        place.examples.given = [*calm, *storm]
        only = {"recipe": "recipes.flight_delay:train", "window_days": 40, "validation": 0.25, "parameters": trees}
        stateful = place.train("two", first.version or 0, mode="stateful", **only)
        stateless = place.train("three", first.version or 0, **only, mode="stateless")
        assert _accuracy(place.package(stateful), storm) > 0.95
        assert _accuracy(place.package(stateless), storm) < 0.8


def _accuracy(package: Package, examples: list[Example]) -> float:
    answers = Predictor(package).predict([each.record for each in examples])
    return float(np.mean([a["label"] == each.true for a, each in zip(answers, examples, strict=True)]))


@pytest.mark.parametrize("version", [1, 2])
def test_masses_are_learned_again(version: int, tmp_path: Path) -> None:
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    examples = [
        Example(f"m{at}", START + timedelta(hours=at), dict(zip(names, map(float, row), strict=True)), label)
        for at, (row, label) in enumerate(zip(data.data, (breast_cancer.LABELS[at] for at in data.target), strict=True))
    ]
    place = Place(tmp_path, "breast-cancer", (1,), examples)
    done = place.train("one", 1, recipe="recipes.breast_cancer:train", parameters={"version": version})
    package = place.package(done)
    assert package.manifest.outputs == place.versions.package("breast-cancer", 1).manifest.outputs
    assert _accuracy(package, examples[-100:]) > 0.93


def test_tweets_are_learned_again(tmp_path: Path) -> None:
    words = {"positive": ["lovely", "sunny"], "neutral": ["ordinary", "printed"], "negative": ["dreadful", "broken"]}
    chance = random.Random(4)  # noqa: S311
    things = ["morning", "train ride", "new phone", "match", "song", "walk"]
    examples = []
    for at in range(400):
        label = chance.choice(list(words))
        one, other = chance.choice(words[label]), chance.choice(words[label])
        text = f"the {chance.choice(things)} was {one} and {other}"
        examples.append(Example(f"t{at}", START + timedelta(hours=at), {"text": text}, label))
    place = Place(tmp_path, "tweet-sentiment", (2,), examples)
    small = {"vocabulary": 120, "buckets": 1009, "offsets": 0.0}
    done = place.train("one", 2, recipe="recipes.tweet_sentiment:train", parameters=small)
    package = place.package(done)
    assert _accuracy(package, examples[-80:]) > 0.95
    assert package.manifest.inputs == place.versions.package("tweet-sentiment", 2).manifest.inputs
    assert package.baseline.inputs["text"]
