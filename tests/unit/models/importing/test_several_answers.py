"""Models with several answers become packages that answer as they do; the ones that cannot are refused by name."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import slipway
from slipway.errors import CheckFailedError, InputError
from slipway.models.gates.labelled import read_labelled

NAMES = ("billing", "urgent", "spam")
RNG = np.random.default_rng(3)
# Exact in float32, so that no value is on the other side of a tree's threshold there.
INPUTS = (RNG.normal(size=(160, 2)) * 64).round() / 64
LABELS = np.stack([INPUTS[:, 0] > 0, INPUTS.sum(axis=1) > 0.2, INPUTS[:, 1] > 1], axis=1).astype(int)
TARGETS = np.stack([3 * INPUTS[:, 0] + 100, INPUTS[:, 1] - INPUTS[:, 0]], axis=1).round(4)
CLASSES = np.stack([INPUTS[:, 0] > 0, np.digitize(INPUTS[:, 1], [-0.5, 0.5])], axis=1).astype(int)

MULTI_LABEL = {
    "one-vs-rest": OneVsRestClassifier(LogisticRegression()),
    "network": MLPClassifier((4,), max_iter=60, random_state=0),
    "forest": RandomForestClassifier(7, max_depth=4, random_state=0),
    "one each": MultiOutputClassifier(LogisticRegression()),
    "neighbours": KNeighborsClassifier(4),
    "pipeline": make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
    "search": GridSearchCV(RandomForestClassifier(3, random_state=0), {"max_depth": [2, 3]}, cv=2),
}
SEVERAL_TARGETS = {
    "linear": LinearRegression(),
    "forest": RandomForestRegressor(5, max_depth=4, random_state=0),
    "one each": MultiOutputRegressor(GradientBoostingRegressor(n_estimators=4, random_state=0)),
    "pipeline": make_pipeline(StandardScaler(), LinearRegression()),
    "network": MLPRegressor(hidden_layer_sizes=(4,), max_iter=60, random_state=0),
}


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Name a fitted model as the user does, as ``module:function``."""

    def named(model: Any) -> str:
        module = ModuleType("several")
        module.fitted = lambda: model  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "several", module)
        return "several:fitted"

    return named


def csv(path: Path, columns: dict[str, Any]) -> Path:
    rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]))
    return path


def inputs() -> dict[str, Any]:
    return {"a": INPUTS[:, 0], "b": INPUTS[:, 1]}


def flags() -> dict[str, Any]:
    return {name: LABELS[:, at] for at, name in enumerate(NAMES)}


def probabilities(model: Any) -> Any:
    answer = model.predict_proba(INPUTS)
    return np.stack([each[:, 1] for each in answer], axis=1) if isinstance(answer, list) else answer


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("model", MULTI_LABEL.values(), ids=MULTI_LABEL.keys())
def test_labels_that_exclude_no_other(run: Any, entry: Any, tmp_path: Path, model: Any) -> None:
    model.fit(INPUTS, LABELS)
    rows = csv(tmp_path / "rows.csv", {**inputs(), **flags()})

    made = run(sklearn=entry(model), records=rows, labels=NAMES, thresholds={"spam": 0.2})

    manifest = made.package.manifest
    assert manifest.task == "tabular-classification"
    assert [field.name for field in manifest.inputs] == ["a", "b"]
    assert manifest.outputs.model_dump(mode="json", exclude_unset=True) == {
        "labels": list(NAMES),
        "multi_label": True,
        "thresholds": {"spam": 0.2},
    }
    wanted = probabilities(model)
    answers = slipway.load(made.package.folder).predict([{"a": a, "b": b} for a, b in INPUTS.tolist()])
    for answer, row in zip(answers, wanted, strict=True):
        assert list(answer) == ["labels", "scores"]
        assert list(answer["scores"].values()) == pytest.approx(row, abs=1e-4)
        limits = dict.fromkeys(NAMES, 0.5) | {"spam": 0.2}
        assert answer["labels"] == [name for name in NAMES if answer["scores"][name] > limits[name]]
    figures = {entry.metric: entry.value for entry in manifest.quality}
    assert set(figures) == {"micro_f1", "macro_f1", "accuracy", "log_loss", "largest_difference"}
    share = sum("billing" in answer["labels"] for answer in answers) / len(answers)
    assert made.package.baseline.outputs.labels is not None
    assert made.package.baseline.outputs.labels["billing"] == pytest.approx(share)
    assert made.package.baseline.outputs.score is None
    card = made.package.path("README.md").read_text()
    assert "| spam | 0.2 |" in card
    assert "| billing | 0.5 |" in card


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("model", SEVERAL_TARGETS.values(), ids=SEVERAL_TARGETS.keys())
def test_several_values(run: Any, entry: Any, tmp_path: Path, model: Any) -> None:
    model.fit(INPUTS, TARGETS)
    rows = csv(tmp_path / "rows.csv", {**inputs(), "width": TARGETS[:, 0], "height": TARGETS[:, 1]})

    made = run(sklearn=entry(model), records=rows, label_column="width,height", unit="mm,kg")

    manifest = made.package.manifest
    assert manifest.task == "tabular-regression"
    assert manifest.outputs.model_dump(mode="json", exclude_unset=True) == {
        "targets": [{"name": "width", "unit": "mm"}, {"name": "height", "unit": "kg"}]
    }
    answers = slipway.load(made.package.folder).predict([{"a": a, "b": b} for a, b in INPUTS.tolist()])
    for answer, row in zip(answers, model.predict(INPUTS), strict=True):
        assert list(answer) == ["values"]
        assert list(answer["values"]) == ["width", "height"]
        assert list(answer["values"].values()) == pytest.approx(row, rel=1e-3, abs=1e-3)
    figures = {entry.metric: entry.value for entry in manifest.quality}
    off = np.abs(model.predict(INPUTS) - TARGETS).mean(axis=0)
    assert [figures["mae_width"], figures["mae_height"]] == pytest.approx(off, rel=1e-2, abs=1e-4)
    assert {"rmse_width", "r2_height", "r2"} < set(figures)
    summaries = made.package.baseline.outputs.values
    assert summaries is not None
    assert summaries["width"].mean == pytest.approx(model.predict(INPUTS)[:, 0].mean(), rel=1e-3)
    assert "| height | kg |" in made.package.path("README.md").read_text()


def test_true_labels_may_be_lists(run: Any, entry: Any, tmp_path: Path) -> None:
    model = OneVsRestClassifier(LogisticRegression()).fit(INPUTS, LABELS)
    rows = tmp_path / "rows.jsonl"
    lines = [
        {"a": a, "b": b, "label": [name for name, flag in zip(NAMES, row, strict=True) if flag]}
        for (a, b), row in zip(INPUTS.tolist(), LABELS.tolist(), strict=True)
    ]
    rows.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    made = run(sklearn=entry(model), records=rows, labels=NAMES)

    flagged = csv(tmp_path / "flags.csv", {**inputs(), **flags()})
    assert made.package.manifest.quality[2].value == pytest.approx((model.predict(INPUTS) == LABELS).all(axis=1).mean())
    assert read_labelled(rows, made.package.manifest).labels == read_labelled(flagged, made.package.manifest).labels
    lines[3]["label"] = ["billing", "fraud"]
    rows.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(InputError, match=r"record 4 .*billing, urgent, spam, not \['billing', 'fraud'\]"):
        run(sklearn=entry(model), records=rows, labels=NAMES)


def test_true_values_belong_to_their_target(run: Any, entry: Any, tmp_path: Path) -> None:
    model = entry(LinearRegression().fit(INPUTS, TARGETS))
    rows = csv(tmp_path / "rows.csv", {"height": TARGETS[:, 1], **inputs(), "width": TARGETS[:, 0]})
    ways: list[dict[str, Any]] = [
        {"targets": ("width", "height")},
        {"targets": ("width", "height"), "label_column": "height, width"},
        {"targets": ("x", "y"), "label_column": "width,height"},
    ]
    for number, way in enumerate(ways):
        package = run(sklearn=model, records=rows, name=f"way-{number}", **way).package
        figures = {entry.metric: entry.value for entry in package.manifest.quality}
        assert figures["r2"] == pytest.approx(1, abs=1e-5)
    rows = csv(tmp_path / "one.csv", {**inputs(), "width": TARGETS[:, 0]})
    with pytest.raises(InputError, match="--label-column: names width; name a column for each of width, height"):
        run(sklearn=model, records=rows, targets=("width", "height"), label_column="width")


def test_the_names_of_several_answers_are_asked_for(run: Any, entry: Any, tmp_path: Path) -> None:
    rows = csv(tmp_path / "rows.csv", inputs())

    with pytest.raises(InputError, match="--labels: is required: the 3 labels, of which any number may apply"):
        run(sklearn=entry(MultiOutputClassifier(LogisticRegression()).fit(INPUTS, LABELS)), records=rows)
    with pytest.raises(InputError, match="--targets: is required: the names of the model's 2 values"):
        run(sklearn=entry(LinearRegression().fit(INPUTS, TARGETS)), records=rows)
    with pytest.raises(InputError, match="--targets: the model returns 2 values per record, but 3 are named"):
        run(sklearn=entry(LinearRegression().fit(INPUTS, TARGETS)), records=rows, targets=("a", "b", "c"))
    single = LogisticRegression().fit(INPUTS, LABELS[:, 0])
    with pytest.raises(InputError, match="--multi-label: the model gives a record one label"):
        run(sklearn=entry(single), records=rows, multi_label=True)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (RandomForestClassifier(3, random_state=0).fit(INPUTS, CLASSES), "RandomForestClassifier is for multi-output"),
        (MultiOutputClassifier(LogisticRegression()).fit(INPUTS, CLASSES), "has the classes 0, 1, 2"),
        (ClassifierChain(LogisticRegression()).fit(INPUTS, LABELS), "skl2onnx cannot convert .*ClassifierChain"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    run: Any, entry: Any, tmp_path: Path, model: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(sklearn=entry(model), records=csv(tmp_path / "rows.csv", inputs()), labels=NAMES)


def onnx_file(path: Path, width: int) -> Path:
    """A linear graph of two inputs and ``width`` outputs, without an activation."""
    weights = np.arange(2 * width, dtype=np.float32).reshape(2, width) - width
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def test_an_onnx_file_of_several_answers(run: Any, tmp_path: Path) -> None:
    file, rows = onnx_file(tmp_path / "linear.onnx", 3), csv(tmp_path / "rows.csv", inputs())
    raw = INPUTS.astype(np.float32) @ (np.arange(6, dtype=np.float32).reshape(2, 3) - 3)
    records = [{"a": a, "b": b} for a, b in INPUTS.tolist()]

    labels = run(onnx=file, records=rows, labels=NAMES, multi_label=True, name="labels").package
    values = run(onnx=file, records=rows, targets=("x", "y", "z"), name="values").package

    scores = [list(answer["scores"].values()) for answer in slipway.load(labels.folder).predict(records)]
    assert np.array(scores) == pytest.approx(1 / (1 + np.exp(-raw)), abs=1e-5)
    found = [list(answer["values"].values()) for answer in slipway.load(values.folder).predict(records)]
    assert np.array(found) == pytest.approx(raw, abs=1e-5)


def test_an_export_that_differs_is_refused(
    run: Any, entry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = MultiOutputClassifier(LogisticRegression()).fit(INPUTS, LABELS)
    monkeypatch.setattr(
        "slipway.models.importing.sources.sklearn_answers._of_sequence",
        lambda labels: [
            ("ConcatFromSequence", None, {"axis": 1}),
            ("Gather", [2 * label for label in range(labels)], {"axis": 1}),
        ],
    )
    with pytest.raises(CheckFailedError, match="differs from the original by up to"):
        run(sklearn=entry(model), records=csv(tmp_path / "rows.csv", inputs()), labels=NAMES)
