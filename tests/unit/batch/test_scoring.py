"""A table is scored as its records are, one by one: the same answers to the last bit, and the same refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.nullable import INPUTS, make_nullable_package, nullable_graph
from support.packages import make_regression_package, make_tabular_package, make_text_package
from support.several import make_labels_package, make_values_package

from slipway import load
from slipway.batch.scoring import Rejected, Scored, Scorer, chosen_list, described, missing_inputs
from slipway.config import FeatureType
from slipway.errors import FieldProblem, InputError, PredictionError
from slipway.models.embedded import Model
from slipway.models.missing_values import Column, file_record
from slipway.models.package import seal_package
from slipway.models.prediction.answer_columns import AnswerColumns, columns_of
from slipway.models.prediction.predictor import Predictor

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def flights(tmp_path_factory) -> Model:
    folder = tmp_path_factory.mktemp("nullable") / "flights"
    make_nullable_package(folder, nullable_graph(), INPUTS)
    return load(folder)


def scorer_of(model: Model, **options: Any) -> Scorer:
    return Scorer(model._predictor, **options)


def one_by_one(model: Model, table: pa.RecordBatch) -> Scored:
    """What the application API says of each row alone."""
    columns = {each.name: Column(each.type, each.nullable, each.default is not None) for each in model.inputs}
    right, answers, rejected = [], [], []
    for number, row in enumerate(table.select([n for n in table.schema.names if n in columns]).to_pylist()):
        try:
            answers += model.predict([file_record(row, columns, is_text=False)])
            right.append(number)
        except InputError as error:
            problems = tuple(FieldProblem(p.field.removeprefix("[0]."), p.message) for p in error.problems)
            rejected.append(Rejected(number, problems))
    return Scored(np.array(right, np.intp), columns_of(model.manifest.outputs.form, answers), tuple(rejected))


def same(found: Scored, expected: Scored) -> None:
    assert found.right.tolist() == expected.right.tolist()
    assert found.rejected == expected.rejected
    assert isinstance(found.answers, AnswerColumns)
    assert isinstance(expected.answers, AnswerColumns)
    assert [plain(getattr(found.answers, name)) for name in ("main", "score", "scores")] == [
        plain(getattr(expected.answers, name)) for name in ("main", "score", "scores")
    ]


def plain(values: Any) -> Any:
    if values is None:
        return None
    if hasattr(values, "items"):
        return {name: plain(column) for name, column in values.items()}
    return [value.item() if isinstance(value, np.generic) else value for value in values]


numbers = st.one_of(st.none(), st.floats(width=32), st.sampled_from([-1.0, 0.0, 200.0, 200.5, 1e39]))
whole = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, 120]))
carriers = st.sampled_from([None, "AA", "UA", "ZZ", ""])
kinds = st.fixed_dictionaries(
    {},
    optional={
        "wind": st.sampled_from([(pa.float64(), numbers), (pa.float32(), numbers), (pa.int16(), st.integers(-3, 300))]),
        "seats": st.sampled_from([
            (pa.int64(), whole), (pa.int32(), st.integers(0, 9)), (pa.float64(), numbers), (pa.uint8(), st.none()),
        ]),
        "carrier": st.sampled_from([
            (pa.string(), carriers), (pa.large_string(), carriers), (pa.dictionary(pa.int8(), pa.string()), carriers),
            (pa.int64(), st.integers(0, 1)),
        ]),
        "distance": st.sampled_from([(pa.float64(), numbers), (pa.int64(), whole), (pa.bool_(), st.booleans())]),
        "note": st.just((pa.string(), st.text(max_size=3))),
    },
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.RecordBatch:
    rows, columns = draw(st.integers(1, 5)), draw(kinds)
    arrays = {
        name: pa.array(draw(st.lists(values, min_size=rows, max_size=rows)), kind)
        for name, (kind, values) in columns.items()
    }
    arrays["row"] = pa.array(range(rows))
    return pa.RecordBatch.from_pydict(arrays)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(table=tables())
def test_any_table_is_scored_as_its_records_are(flights: Model, table: pa.RecordBatch) -> None:
    same(scorer_of(flights, batch_size=2).score(table), one_by_one(flights, table))


def test_defaults_stand_for_absent_columns_and_empty_cells(tmp_path) -> None:
    fields = [
        {"name": "size", "type": "float", "default": 2.5},
        {"name": "age", "type": "integer", "default": 7, "nullable": True},
        {"name": "new", "type": "boolean", "default": True},
    ]
    make_tabular_package(tmp_path / "m", fields=fields)
    model = load(tmp_path / "m")
    for table in (
        pa.RecordBatch.from_pydict({"other": [1, 2]}),
        pa.RecordBatch.from_pydict({"size": [None, 4.0], "age": [3, None], "new": [None, False]}),
        pa.RecordBatch.from_pydict({"size": [float("nan"), 4.0], "age": [1.0, 1.5], "new": [True, True]}),
    ):
        same(scorer_of(model).score(table), one_by_one(model, table))


@pytest.mark.parametrize("make", [make_regression_package, make_labels_package, make_values_package])
def test_each_form_of_answer(tmp_path, make) -> None:
    make(tmp_path / "m")
    model, chance = load(tmp_path / "m"), np.random.default_rng(1)
    table = pa.RecordBatch.from_pydict({each.name: chance.normal(0, 40, 50) for each in model.inputs})
    same(scorer_of(model, batch_size=7).score(table), one_by_one(model, table))


@pytest.mark.parametrize("name", ["tweet-sentiment/3", "flight-delay/2", "breast-cancer/2"])
def test_the_shipped_models(name: str) -> None:
    model, chance = load(ROOT / "models" / name), np.random.default_rng(2)
    words = ["good", "bad", "day", "😂", "", "LONG" * 20, "not"]
    made: dict[str, list[Any]] = {}
    for field in model.inputs:
        if field.allowed:
            made[field.name] = list(chance.choice(list(field.allowed), 60))
        elif field.type is FeatureType.STRING:
            made[field.name] = [" ".join(chance.choice(words, chance.integers(0, 9))) for _ in range(60)]
        elif field.type is FeatureType.INTEGER:
            made[field.name] = [int(each) for each in chance.integers(1, 7, 60)]
        else:
            made[field.name] = list(chance.uniform(field.min or 0, field.max or 100, 60))
    table = pa.RecordBatch.from_pydict(made)
    same(scorer_of(model, batch_size=1).score(table), one_by_one(model, table))


def test_texts_are_scored_in_batches(tmp_path) -> None:
    make_text_package(tmp_path / "m")
    model = load(tmp_path / "m")
    texts = pa.array(["a day", "", None, "x" * 9, "good day"])
    table = pa.RecordBatch.from_arrays([texts], [model.inputs[0].name])
    found = scorer_of(model, batch_size=2).score(table)
    assert found.right.tolist() == [0, 1, 3, 4]
    assert [each.row for each in found.rejected] == [2]


class Failing(Predictor):
    """A graph that fails on a batch with a certain number in it."""

    def __init__(self, predictor: Predictor) -> None:
        self.__dict__ = predictor.__dict__

    def predict_columns(self, columns):
        if (columns["rooms"] == 13).any():
            raise PredictionError("tiny-price 1: Fail: unlucky")
        return super().predict_columns(columns)

    def predict(self, records):
        if any(record["rooms"] == 13 for record in records):
            raise PredictionError("tiny-price 1: Fail: unlucky")
        return super().predict(records)


def test_a_record_on_which_the_graph_fails_is_rejected_alone(tmp_path) -> None:
    make_regression_package(tmp_path / "m")
    scorer = Scorer(Failing(load(tmp_path / "m")._predictor), batch_size=4)
    found = scorer.score(pa.RecordBatch.from_pydict({"rooms": [1.0, 13.0, 3.0], "area": [1.0, 1.0, 1.0]}))
    assert found.right.tolist() == [0, 2]
    assert found.answers.main == [2.0, 4.0]
    [rejected] = found.rejected
    assert (rejected.row, described(rejected.problems)) == (1, "(record): tiny-price 1: Fail: unlucky")


def test_a_task_of_ones_own_gets_records(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_rank.py").write_text(
        "import numpy as np\n"
        "class Rank:\n"
        "    def __init__(self, package, graph):\n"
        "        self.names = [field.name for field in package.manifest.inputs]\n"
        "        self.tensors = graph.inputs\n"
        "    def encode(self, records):\n"
        "        pairs = zip(self.tensors, self.names)\n"
        "        return {t.name: np.array([[r[n]] for r in records], t.dtype) for t, n in pairs}\n"
        "    def decode(self, tensors):\n"
        "        return [{'rank': float(row[0])} for row in tensors[0]]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    make_regression_package(tmp_path / "m", task="own_rank:Rank")
    model = load(tmp_path / "m", task_modules=["own_rank"])
    found = scorer_of(model).score(pa.RecordBatch.from_pydict({"rooms": [1.0, None], "area": [1.0, 2.0]}))
    assert (found.right.tolist(), found.answers) == ([0], [{"rank": 2.0}])
    assert described(found.rejected[0].problems).startswith("rooms: ")


def test_missing_inputs_are_told_from_optional_ones(flights: Model) -> None:
    assert missing_inputs(flights.manifest, ["note", "wind"]) == (["distance"], ["seats", "carrier"])


def test_a_text_that_is_not_utf_8_rejects_its_row_alone(tmp_path) -> None:
    make_text_package(tmp_path / "m")
    model = load(tmp_path / "m")
    texts = pa.array([b"a day", b"\xff\xfe", b"good"], pa.binary()).cast(pa.string(), safe=False)
    found = scorer_of(model).score(pa.RecordBatch.from_arrays([texts], [model.inputs[0].name]))
    assert found.right.tolist() == [0, 2]
    assert described(found.rejected[0].problems) == "text: is not UTF-8"


@pytest.mark.parametrize(
    ("quantization", "measured", "together"),
    [
        (None, None, True),
        ({"method": "int8", "batch_independent": True}, None, True),
        ({"method": "int8", "batch_independent": False}, None, False),
        ({"method": "int8"}, None, False),
        ({"method": "int8"}, 0.0, True),
        ({"method": "int8"}, 0.01, False),
        ({"method": "int8", "batch_independent": False}, 0.01, False),
    ],
)
def test_records_meet_in_a_batch_only_where_that_changes_no_answer(tmp_path, quantization, measured, together) -> None:
    package = make_text_package(tmp_path / "m")
    document = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
    if measured is not None:
        record = {"record": {"text": "good"}, "expected": {}}
        golden = {"tolerance": 1, "batch": 8, "measured": {"alone": measured}, "records": [record]}
        (package.folder / "golden.json").write_text(json.dumps(golden))
    package = seal_package(package.folder, document | ({"quantization": quantization} if quantization else {}))
    sizes: list[int] = []

    class Counting(Predictor):
        def predict_columns(self, columns):
            sizes.append(len(columns["text"]))
            return super().predict_columns(columns)

    texts = pa.RecordBatch.from_pydict({"text": ["good day", "bad"]})
    assert Scorer(Counting(package)).score(texts).right.tolist() == [0, 1]
    assert sizes == ([2] if together else [1, 1])


@pytest.mark.parametrize("make", [make_regression_package, make_text_package, make_labels_package, make_values_package])
def test_answers_come_back_from_their_columns(tmp_path, make) -> None:
    package, chance = make(tmp_path / "m"), np.random.default_rng(2)
    made = {f.name: ["good", "bad day", "x"] if f.type == "string" else chance.normal(0, 9, 3) for f in
            package.manifest.inputs}  # fmt: skip
    scored = Scorer(Predictor(package)).score(pa.RecordBatch.from_pydict(made))
    whole = [Predictor(package).predict([record])[0] for record in scored.records([0, 1, 2])]
    found = chosen_list(scored, np.arange(3))
    assert found == whole
    assert [list(each) for each in found] == [list(each) for each in whole]
    assert chosen_list(scored, np.array([2, 0])) == [whole[2], whole[0]]
    nothing = Scorer(Predictor(package)).score(pa.RecordBatch.from_pydict(made).slice(0, 0))
    assert chosen_list(nothing, np.arange(0)) == []


def test_a_batch_has_at_least_one_record(flights: Model) -> None:
    with pytest.raises(InputError, match=r"batch_size: must be at least 1 \(got 0\)"):
        scorer_of(flights, batch_size=0)
