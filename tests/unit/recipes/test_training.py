"""The shipped models' recipes as functions of the contract: each trains a model again, and goes on from a parent."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_breast_cancer
from support.retrained import START, Retrained, accuracy, tweets

from recipes import breast_cancer, flight_delay, tweet_sentiment
from recipes.flights.data import COLUMNS, LABEL, LATE, ON_TIME
from recipes.tweets.data import read_tweets
from slipway.errors import InputError
from slipway.models.measurements.golden import prove
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor
from slipway.training.ports import Example


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
    def place(self, root: Path) -> Retrained:
        return Retrained.of(root, "flight-delay", (1, 2), flights(900))

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
        assert accuracy(place.package(stateful), storm) > 0.95
        assert accuracy(place.package(stateless), storm) < 0.8


@pytest.mark.parametrize("version", [1, 2])
def test_masses_are_learned_again(version: int, tmp_path: Path) -> None:
    examples = masses()
    place = Retrained.of(tmp_path, "breast-cancer", (1,), examples)
    done = place.train("one", 1, recipe="recipes.breast_cancer:train", parameters={"version": version})
    package = place.package(done)
    assert package.manifest.outputs == place.versions.package("breast-cancer", 1).manifest.outputs
    assert accuracy(package, examples[-100:]) > 0.93
    assert prove(Predictor(package)) is not None


def masses() -> list[Example]:
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    rows = zip(data.data, (breast_cancer.LABELS[at] for at in data.target), strict=True)
    return [
        Example(f"m{at}", START + timedelta(hours=at), dict(zip(names, map(float, row), strict=True)), label)
        for at, (row, label) in enumerate(rows)
    ]


def test_a_stateful_version_remembers_masses_that_its_window_no_longer_has(tmp_path: Path) -> None:
    examples = masses()
    place = Retrained.of(tmp_path, "breast-cancer", (1,), examples[:450])
    first = place.train("one", 1, recipe="recipes.breast_cancer:train", mode="stateful")
    # Labels that say too little to learn from alone: one in ten is benign, at random.
    since = examples[450].time
    place.examples.given = [
        replace(each, true="benign" if at % 10 == 0 else "malignant") for at, each in enumerate(examples[450:])
    ]
    only = {"recipe": "recipes.breast_cancer:train", "window_days": 10, "validation": 0.25}
    assert since > place.examples.given[-1].time - timedelta(days=10)
    stateful = place.train("two", first.version or 0, mode="stateful", **only)
    stateless = place.train("three", first.version or 0, mode="stateless", **only)
    assert accuracy(place.package(stateful), examples[:450]) > 0.9
    assert accuracy(place.package(stateless), examples[:450]) < 0.7


class TestTweets:
    @pytest.mark.parametrize("version", [1, 2])
    def test_they_are_learned_again(self, version: int, tmp_path: Path) -> None:
        examples = tweets(400)
        place = Retrained.of(tmp_path, "tweet-sentiment", (version,), examples)
        small = {"version": version, "vocabulary": 120, "buckets": 1009 if version == 2 else 0}
        done = place.train("one", version, recipe="recipes.tweet_sentiment:train", parameters=small)
        package = place.package(done)
        assert accuracy(package, examples[-80:]) > 0.95
        assert package.manifest.inputs == place.versions.package("tweet-sentiment", version).manifest.inputs
        assert package.baseline.inputs["text"]
        assert prove(Predictor(package)) is not None

    def test_what_they_make_is_what_the_command_makes(self, tmp_path: Path) -> None:
        place = Retrained.of(tmp_path, "tweet-sentiment", (2,), tweets(200))
        small = {"vocabulary": 120, "buckets": 1009}
        done = place.train("one", 2, recipe="recipes.tweet_sentiment:train", parameters=small)
        rows = done.data.train()
        pairs = zip(rows["label"].to_pylist(), rows["text"].to_pylist(), strict=True)
        lines = ["year\tlabel\ttext", *(f"{2015 + at % 2}\t{label}\t{text}" for at, (label, text) in enumerate(pairs))]
        for name, more in (("train.tsv", ""), ("val.tsv", " indeed")):
            (tmp_path / name).write_text("\n".join([lines[0], *(f"{line}{more}" for line in lines[1:])]) + "\n")
        files = [read_tweets(tmp_path / name) for name in ("train.tsv", "val.tsv")]
        recipe = replace(tweet_sentiment.RECIPES[2], vocabulary=120, buckets=1009)
        tweet_sentiment.train_version(tmp_path / "command", 2, recipe, *files)
        texts = [each.record for each in tweets(20, seed=8)]
        by_hand, again = (Predictor(each) for each in (load_package(tmp_path / "command"), place.package(done)))
        assert by_hand.predict(texts) == again.predict(texts)

    @pytest.mark.parametrize(
        ("parameters", "problem"),
        [
            ({"version": 3}, r"training.parameters.version: must be 1 or 2, not 3"),
            ({"bucket": 7}, r"training.parameters.bucket: is no parameter of this recipe; there is version, half"),
            ({"buckets": "7"}, r"training.parameters.buckets: must be a whole number, not '7'"),
        ],
    )
    def test_parameters_that_mean_nothing_are_refused(
        self, parameters: dict[str, object], problem: str, tmp_path: Path
    ) -> None:
        place = Retrained.of(tmp_path, "tweet-sentiment", (2,), tweets(60))
        with pytest.raises(InputError, match=problem):
            place.train("one", 2, recipe="recipes.tweet_sentiment:train", parameters=parameters)
