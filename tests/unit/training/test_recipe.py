"""The contract of recipes: each mistake has an error of its own."""

import sys
from pathlib import Path
from typing import Any

import pytest
from support.training import MODEL, points, workplace

from slipway.errors import InputError, TrainingError
from slipway.training.local import run_all
from slipway.training.memory import MEMORY, remember, with_memory
from slipway.training.recipe import Parent, load_recipe


@pytest.mark.parametrize(
    ("entry", "source", "problem"),
    [
        ("absent_recipe:train", "", r"training.recipe: module absent_recipe is neither in .* nor installed"),
        ("bad_one:fit", "def train(data, draft, parent): ...", "bad_one has no function fit"),
        ("bad_two:train", "train = 3", "bad_two has no function train"),
        ("bad_three:train", "def train(data): ...", r"must take \(data, draft, parent\), but is train\(data\)"),
        ("bad_four:train", "import numpi", "bad_four imports numpi, which is not installed"),
    ],
)
def test_a_recipe_that_cannot_be_called_is_refused(entry: str, source: str, problem: str, tmp_path: Path) -> None:
    if source:
        (tmp_path / f"{entry.partition(':')[0]}.py").write_text(source, encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        load_recipe(entry, tmp_path)


def test_a_function_may_have_more_arguments_if_they_have_defaults(tmp_path: Path) -> None:
    (tmp_path / "good_one.py").write_text("def train(data, draft, parent=None, *, seed=1): ...", encoding="utf-8")
    load_recipe("good_one:train", tmp_path)


@pytest.mark.parametrize(
    ("body", "error", "problem"),
    [
        ("pass", TrainingError, "left no package: it must call draft.from_sklearn"),
        ("raise ZeroDivisionError('of mine')", ZeroDivisionError, "of mine"),
        ("draft.from_sklearn(3)", InputError, "returned a int, not a scikit-learn estimator"),
        (
            "import shutil; shutil.copytree(other, draft.package)",
            TrainingError,
            "left a package of tiny-tabular, not of points",
        ),
    ],
)
def test_what_a_recipe_leaves_is_checked(body: str, error: type[Exception], problem: str, tmp_path: Path) -> None:
    from support.packages import make_tabular_package

    make_tabular_package(tmp_path / "other")
    module = f"left_{abs(hash(body))}"
    place = workplace(tmp_path, module, points(100))
    source = f"other = {str(tmp_path / 'other')!r}\n\n\ndef train(data, draft, parent):\n    {body}\n"
    (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
    run = place.run()
    with pytest.raises(error, match=problem):
        run_all(place.ports, run, place.settings(run))


def test_a_package_that_a_recipe_wrote_itself_gets_the_lineage(tmp_path: Path) -> None:
    module = "writes_itself"
    place = workplace(tmp_path, module, points(200))
    body = "import shutil; shutil.copytree(draft.like.folder, draft.package)"
    (tmp_path / f"{module}.py").write_text(f"def train(data, draft, parent):\n    {body}\n", encoding="utf-8")
    run = place.run()
    run_all(place.ports, run, place.settings(run))
    [offered] = place.versions.offered(MODEL)
    assert (offered.version, offered.lineage.run) == (2, run.id)


class TestMemory:
    def table(self, ids: list[str], days: list[float]) -> Any:
        import pyarrow as pa

        times = pa.array([round(day * 86_400_000) for day in days], pa.timestamp("ms", "UTC"))
        return pa.table(
            {"_id": ids, "_time": times, "x": [float(len(each)) for each in ids], "_weight": [1.0] * len(ids)}
        )

    def parent(self, folder: Path, rows: Any) -> Parent:
        from pyarrow import parquet

        parquet.write_table(rows, folder / MEMORY)
        return Parent(package=None, state=folder)  # type: ignore[arg-type]

    def test_without_a_parent_the_rows_stay_as_they_are(self, tmp_path: Path) -> None:
        rows = self.table(["a"], [1])
        assert with_memory(rows, None, half_life_days=10) is rows
        assert with_memory(rows, Parent(None, tmp_path), half_life_days=10) is rows  # type: ignore[arg-type]

    def test_what_is_remembered_counts_the_less_the_older_it_is_and_once(self, tmp_path: Path) -> None:
        parent = self.parent(tmp_path, self.table(["a", "b"], [0, 10]))
        found = with_memory(self.table(["b", "c"], [10, 20]), parent, half_life_days=10)
        assert found["_id"].to_pylist() == ["a", "b", "c"]
        assert found["_weight"].to_pylist() == pytest.approx([0.25, 0.5, 1.0])

    def test_what_is_newer_than_the_rows_to_train_on_is_left_to_the_gates(self, tmp_path: Path) -> None:
        parent = self.parent(tmp_path, self.table(["a", "c", "d"], [0, 20, 30]))
        found = with_memory(self.table(["b", "c"], [10, 20]), parent, half_life_days=10)
        assert found["_id"].to_pylist() == ["a", "b", "c"]

    def test_the_newest_rows_are_remembered_with_their_own_weights(self, tmp_path: Path) -> None:
        from types import SimpleNamespace

        from pyarrow import parquet

        parent = self.parent(tmp_path, self.table(["a", "b"], [0, 10]))
        kept = tmp_path / "kept"
        kept.mkdir()
        data = SimpleNamespace(table=lambda: self.table(["b", "c"], [10, 20]))
        remember(data, SimpleNamespace(state=kept), parent, most=2)  # type: ignore[arg-type]
        found = parquet.read_table(kept / MEMORY)
        assert (found["_id"].to_pylist(), found["_weight"].to_pylist()) == (["b", "c"], [1.0, 1.0])


@pytest.mark.parametrize(
    ("module", "source", "package"),
    [
        ("numpi_recipe", "import numpi\n\n\ndef train(data, draft, parent): ...\n", "numpi"),
        ("late_recipe", "def train(data, draft, parent):\n    import numpi.fast\n", "numpi"),
    ],
)
def test_a_package_that_a_recipe_needs_and_that_is_missing_is_named_with_what_to_do(
    module: str, source: str, package: str, tmp_path: Path
) -> None:
    place = workplace(tmp_path, module, points(100))
    (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
    run = place.run()
    with pytest.raises(
        InputError, match=f"{module}.* imports {package}, which is not installed; .* `training.requirements`"
    ):
        run_all(place.ports, run, place.settings(run))


def test_the_recipes_of_networks_name_what_they_need_where_pytorch_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("recipes.")]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("torch", "safetensors"):
        monkeypatch.setitem(sys.modules, module, None)
    for recipe in ("recipes.tweet_sentiment_large:train", "recipes.tweet_student:train"):
        with pytest.raises(InputError, match=r"imports (safetensors|torch), which is not installed; install it where"):
            load_recipe(recipe, Path())
