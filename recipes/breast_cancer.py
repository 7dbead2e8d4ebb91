"""Train both versions of ``breast-cancer`` on scikit-learn's data set.

``python -m recipes.breast_cancer`` writes models/breast-cancer/1 and 2 and examples/patients.csv.
"""

import argparse
import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from recipes.graphs import GraphBuilder, features_to_probabilities, run_graph, save_graph
from recipes.packaging import Card, Validation, sha256, write_package
from slipway.training.dataset import WEIGHT, DataSet
from slipway.training.draft import Draft
from slipway.training.memory import remember, with_memory
from slipway.training.recipe import Parent

SEED = 2026
LABELS = ["malignant", "benign"]
HELD_OUT = 0.2
EXAMPLE_PATIENTS = 24
FIRST_EVENT = datetime(2026, 1, 5, 9, tzinfo=UTC)
INVERSE_REGULARIZATION = 1.0
NETWORKS, HIDDEN_UNITS, WEIGHT_DECAY = 4, 16, 2.0
LOG_OFFSET = 1e-3
MEMORY = 10_000
"""The masses that a stateful version remembers."""

# The limits of measurements, far above the data set's, so that only wrong units or signs are refused.
RANGES = {
    "radius": 100,
    "texture": 200,
    "perimeter": 1000,
    "area": 20_000,
    "smoothness": 1,
    "compactness": 10,
    "concavity": 10,
    "concave_points": 1,
    "symmetry": 2,
    "fractal_dimension": 1,
}


@dataclass(frozen=True)
class Split:
    """The training rows and the held-out rows; ``names`` are the columns."""

    names: list[str]
    train: np.ndarray
    train_labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    digest: str


def main() -> None:
    """Train, measure on the held-out rows, and write packages and examples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the packages")
    parser.add_argument(
        "--examples", type=Path, default=Path("examples/patients.csv"), help="file of the example patients"
    )
    options = parser.parse_args()
    with threadpool_limits(1):  # a fixed order of summation, so that the bytes are reproducible
        train_all(options.models / "breast-cancer", options.examples)


def train_all(models: Path, examples: Path) -> None:
    """Write both packages below ``models``, and the example patients."""
    split = load_split()
    print(f"{len(split.train)} rows to train on, {len(split.held_out)} held out")
    write_examples(examples, split)
    for version, trainer in TRAINERS.items():
        print(f"version {version}: training ...", flush=True)
        graph = trainer(split.train, split.train_labels)
        write_version(models / str(version), version, graph, split)


def load_split() -> Split:
    """Split the data set, always holding out the same stratified fifth."""
    data = load_breast_cancer()
    train, held_out, train_labels, held_out_labels = train_test_split(
        data.data, data.target, test_size=HELD_OUT, stratify=data.target, random_state=SEED
    )
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    digest = sha256(np.column_stack([data.data, data.target]).astype("<f8").tobytes())
    return Split(names, train, train_labels, held_out, held_out_labels, digest)


def train(data: DataSet, draft: Draft, parent: Parent | None) -> None:
    """Train again on labelled masses; the parameter ``version`` chooses the kind of model, by default the first's.

    With a parent, the masses that it remembers are learned from, too, the older the less.
    """
    rows = with_memory(data.train(), parent, half_life_days=float(draft.parameters.get("half_life_days", 730)))
    names = [str(name).replace(" ", "_") for name in load_breast_cancer().feature_names]
    features = np.column_stack([rows[name].to_numpy() for name in names])
    labels = np.array([LABELS.index(label) for label in rows["label"].to_pylist()])
    version = int(draft.parameters.get("version", 1))
    with threadpool_limits(1):
        graph = TRAINERS[version](features, labels, rows[WEIGHT].to_numpy())
    path = draft.folder / "graph.onnx"
    save_graph(graph, path)
    draft.from_onnx(path, seed=SEED, description=DESCRIPTIONS[version])
    remember(data, draft, parent, most=MEMORY)


def train_linear(features: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> onnx.ModelProto:
    """Logistic regression on standardized features."""
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=INVERSE_REGULARIZATION, max_iter=1000)
    model.fit(scaler.transform(features), labels, sample_weight=weights)
    graph = GraphBuilder()
    standard = _standardize(graph, "features", scaler)
    logit = _dense(graph, "logit", standard, model.coef_.T, model.intercept_)
    _probabilities(graph, logit)
    return features_to_probabilities(graph, "breast-cancer-linear", features.shape[1], len(LABELS))


def train_networks(features: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> onnx.ModelProto:
    """Four small networks on the logarithms of the features, with their logits averaged.

    They are merged into one network: the hidden layers are concatenated, and the last layer divides by four.
    """
    logarithms = np.log(features + LOG_OFFSET)
    scaler = StandardScaler().fit(logarithms)
    networks = [
        _network(seed).fit(scaler.transform(logarithms), labels, sample_weight=weights)
        for seed in range(SEED, SEED + NETWORKS)
    ]
    graph = GraphBuilder()
    shifted = graph.add(
        "Add", ["features", graph.constant("offset", np.array(LOG_OFFSET, dtype=np.float32))], "shifted"
    )
    standard = _standardize(graph, graph.add("Log", [shifted], "logarithms"), scaler)
    hidden = _dense(
        graph,
        "hidden",
        standard,
        np.hstack([network.coefs_[0] for network in networks]),
        np.hstack([network.intercepts_[0] for network in networks]),
    )
    active = graph.add("Tanh", [hidden], "active")
    weights = np.vstack([network.coefs_[1] for network in networks]) / NETWORKS
    _probabilities(graph, _dense(graph, "logit", active, weights, _mean_bias(networks)))
    return features_to_probabilities(graph, "breast-cancer-networks", features.shape[1], len(LABELS))


TRAINERS = {1: train_linear, 2: train_networks}


def _network(seed: int) -> MLPClassifier:
    return MLPClassifier(
        (HIDDEN_UNITS,), activation="tanh", solver="lbfgs", alpha=WEIGHT_DECAY, max_iter=2000, random_state=seed
    )


def _mean_bias(networks: list[MLPClassifier]) -> np.ndarray:
    bias: np.ndarray = np.mean([network.intercepts_[1] for network in networks], axis=0)
    return bias


def _standardize(graph: GraphBuilder, values: str, scaler: StandardScaler) -> str:
    centered = graph.add("Sub", [values, graph.constant("mean", scaler.mean_.astype(np.float32))], "centered")
    return graph.add("Div", [centered, graph.constant("deviation", scaler.scale_.astype(np.float32))], "standard")


def _dense(graph: GraphBuilder, name: str, values: str, weights: np.ndarray, bias: np.ndarray) -> str:
    kernel = graph.constant(f"{name}_weights", weights.astype(np.float32))
    return graph.add("Gemm", [values, kernel, graph.constant(f"{name}_bias", bias.astype(np.float32))], name)


def _probabilities(graph: GraphBuilder, logit: str) -> None:
    """The logit is that of the second label, benign: softmax over (0, logit) is the logistic function."""
    sides = graph.constant("sides", np.array([[0, 1]], dtype=np.float32))
    graph.add("Softmax", [graph.add("Mul", [logit, sides], "logits")], "probabilities", axis=-1)


def write_version(folder: Path, version: int, graph: onnx.ModelProto, split: Split) -> None:
    """Measure the graph on the held-out rows and write its package."""
    probabilities = run_graph(graph, {"features": split.held_out.astype(np.float32)})
    document = _document(version, probabilities, split)
    write_package(folder, document=document, graph=graph, card=CARDS[version], validation=held_out(split))
    figures = ", ".join(f"{entry['metric']} {entry['value']:.4f}" for entry in document["quality"])
    print(f"version {version}: {figures} -> {folder}")


def held_out(split: Split) -> Validation:
    """The held-out rows as records, with their labels."""
    records = [dict(zip(split.names, map(float, row), strict=True)) for row in split.held_out]
    return Validation(records, [LABELS[label] for label in split.held_out_labels])


def _document(version: int, probabilities: np.ndarray, split: Split) -> dict[str, Any]:
    return {
        "format": 1,
        "name": "breast-cancer",
        "version": version,
        "task": "tabular-classification",
        "description": DESCRIPTIONS[version],
        "inputs": [_input(name) for name in split.names],
        "outputs": {"labels": LABELS},
        "graph": {"file": "model.onnx", "inputs": ["features"], "outputs": ["probabilities"]},
        "training": {
            "command": "python -m recipes.breast_cancer",
            "data": [{"name": "scikit-learn breast_cancer", "rows": 569, "sha256": split.digest}],
            "seed": SEED,
            "parameters": {"held_out": HELD_OUT, **PARAMETERS[version]},
        },
        "quality": _quality(probabilities, split.held_out_labels),
    }


def _input(name: str) -> dict[str, Any]:
    """A column's manifest entry: `mean_radius` is in tumour-mean, `radius_error` in tumour-error."""
    kind, measure = ("error", name.removesuffix("_error")) if name.endswith("_error") else name.split("_", 1)
    words = measure.replace("_", " ")
    description = {
        "mean": f"Mean {words} of the cell nuclei",
        "error": f"Standard error of the {words}",
        "worst": f"Mean of the three largest values of {words}",
    }[kind]
    return {
        "name": name,
        "type": "float",
        "description": description,
        "group": f"tumour-{kind}",
        "min": 0.0,
        "max": float(RANGES[measure]),
    }


def _quality(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    data = f"scikit-learn breast_cancer, {len(labels)} held-out rows"
    balanced = balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    exact = probabilities.astype(np.float64)
    loss = log_loss(labels, exact / exact.sum(axis=1, keepdims=True))
    return [
        {"metric": "balanced accuracy", "value": round(float(balanced), 4), "data": data},
        {"metric": "log loss", "value": round(float(loss), 4), "data": data},
    ]


def write_examples(path: Path, split: Split) -> None:
    """Write the first held-out rows as patients p001, p002, …, an hour apart, to seed the feature store."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", "event_time", *split.names])
        for index, row in enumerate(split.held_out[:EXAMPLE_PATIENTS]):
            time = (FIRST_EVENT + timedelta(hours=index)).strftime("%Y-%m-%dT%H:%M:%SZ")
            writer.writerow([f"p{index + 1:03d}", time, *map(float, row)])


DESCRIPTIONS = {
    1: "Whether a breast mass is malignant, by logistic regression on thirty measurements of its cell nuclei.",
    2: "Whether a breast mass is malignant, by four small networks on the logarithms of thirty measurements.",
}

PARAMETERS: dict[int, dict[str, Any]] = {
    1: {"model": "logistic regression", "inverse_regularization": INVERSE_REGULARIZATION},
    2: {
        "model": "networks of one hidden layer, logits averaged",
        "networks": NETWORKS,
        "hidden_units": HIDDEN_UNITS,
        "activation": "tanh",
        "weight_decay": WEIGHT_DECAY,
        "log_offset": LOG_OFFSET,
    },
}

METHODS = {
    1: "Each measurement is standardized with the mean and the deviation of the training rows; logistic regression "
    "gives the probability. All of it is in the graph.",
    2: "Most measurements have a long tail, so each is replaced by its logarithm and then standardized. Four networks "
    "of 16 tanh units, trained from different starts, are averaged before the softmax. All of it is in the graph.",
}


def _card(version: int) -> Card:
    return Card(
        intended_use="To show a tabular model whose thirty inputs come from a feature store. It is no medical device, "
        "and no decision about a person may rest on it.",
        data="Breast Cancer Wisconsin (Diagnostic), 569 masses, as scikit-learn ships it. A fifth, drawn with a fixed "
        "seed and the classes in proportion, was held out: quality and baseline are measured on it, and "
        "`examples/patients.csv` comes from it.",
        method=METHODS[version],
        limits="One clinic, early 1990s, measurements drawn by hand from digitized images. With 114 held-out rows one "
        "more mistake costs about 0.01 of balanced accuracy; differences below that mean nothing.",
        licence="Data: Wolberg, Mangasarian, Street and Street, UCI Machine Learning Repository, CC BY 4.0. "
        "Package: Apache-2.0.",
    )


CARDS = {version: _card(version) for version in TRAINERS}

if __name__ == "__main__":
    main()
