"""What of the repository goes into the image."""

import shutil
from pathlib import Path

import pytest
import yaml
from support.bundles import import_all, modules_below
from support.packages import make_tabular_package, make_text_package

from container.bundle import build_bundle
from slipway.config import load_config
from slipway.errors import ConfigError, PackageError

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with a heavy model of two versions, one of them deployed, and a light model."""
    source = tmp_path / "source"
    for version in ("1", "2"):
        make_text_package(source / "weights" / "tiny-sentiment" / version, version=int(version))
    make_tabular_package(source / "models" / "tiny-tabular" / "1")
    for file in (
        "slipway/errors.py",
        "slipway/cli/main.py",
        "slipway/bundling/stripping.py",
        "slipway/models/advice/prices.py",
        "slipway/models/compression/prune.py",
        "slipway/models/importing/importer.py",
        "slipway/releases/simulation/runs.py",
        "container/bundle.py",
        "container/health.py",
        "infra/bundling/bundle.py",
        "mine.py",
    ):
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_text("", encoding="utf-8")
    configure(source)
    return source


def configure(source: Path, **heavy: object) -> None:
    model = {"tier": "heavy", "path": "weights/tiny-sentiment", "versions": [2], "stable": 2, **heavy}
    light = {"versions": [1], "stable": 1}
    document = {"project": "test", "models": {"tiny-sentiment": model, "tiny-tabular": light}}
    document["light"] = {"task_modules": ["mine"]}
    (source / "slipway.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_code_is_what_serves_and_the_users_own_tasks(source: Path, tmp_path: Path) -> None:
    build_bundle(source, tmp_path / "bundle")
    assert files(tmp_path / "bundle" / "code") == {
        *("slipway.yaml", "slipway/errors.py", "container/health.py", "mine.py"),
    }


def test_an_image_that_trains_has_what_makes_packages(source: Path, tmp_path: Path) -> None:
    configure(source, training={"recipe": "mine:train"})
    makes = {"slipway/models/compression/prune.py", "slipway/models/importing/importer.py"}
    for trains in (True, False):
        build_bundle(source, tmp_path / str(trains), trains=trains)
        assert makes & files(tmp_path / str(trains) / "code") == (makes if trains else set())


def test_every_module_of_the_image_still_imports(source: Path, tmp_path: Path) -> None:
    for name in ("slipway", "container"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, source / name, dirs_exist_ok=True, ignore=ignored)
    build_bundle(source, tmp_path / "bundle")
    code = tmp_path / "bundle" / "code"
    names = [*modules_below(code, "slipway"), *modules_below(code, "container")]
    assert "container.app" in names
    import_all(code, names)


def test_models_are_the_heavy_versions_where_slipway_yaml_finds_them(source: Path, tmp_path: Path) -> None:
    build_bundle(source, tmp_path / "bundle")
    models = files(tmp_path / "bundle" / "models")
    assert {Path(file).parent.as_posix() for file in models} == {"weights/tiny-sentiment/2"}
    assert "weights/tiny-sentiment/2/model.onnx" in models


def test_a_version_that_is_not_here_is_left_to_the_registry(source: Path, tmp_path: Path) -> None:
    configure(source, versions=[2, 3])
    build_bundle(source, tmp_path / "bundle")
    assert {path.name for path in (tmp_path / "bundle" / "models" / "weights" / "tiny-sentiment").iterdir()} == {"2"}


def test_an_altered_package_is_refused(source: Path, tmp_path: Path) -> None:
    with (source / "weights" / "tiny-sentiment" / "2" / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(PackageError, match=r"model\.onnx"):
        build_bundle(source, tmp_path / "bundle")


def test_a_model_outside_of_the_repository_is_refused(source: Path, tmp_path: Path) -> None:
    make_text_package(tmp_path / "elsewhere" / "2", version=2)
    configure(source, path="../elsewhere")
    with pytest.raises(ConfigError, match=r"models\.tiny-sentiment\.path"):
        build_bundle(source, tmp_path / "bundle")


def test_an_environment_has_its_own_models_and_a_slipway_yaml_without_the_others(source: Path, tmp_path: Path) -> None:
    document = yaml.safe_load((source / "slipway.yaml").read_text(encoding="utf-8"))
    document["environments"] = {"light": {"models": {"tiny-sentiment": None}}, "prod": {}}
    (source / "slipway.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    build_bundle(source, tmp_path / "light", "light")
    build_bundle(source, tmp_path / "prod", "prod")
    assert not files(tmp_path / "light" / "models")
    assert files(tmp_path / "prod" / "models")
    config = load_config(tmp_path / "light" / "code" / "slipway.yaml")
    assert (config.project, list(config.models)) == ("test-light", ["tiny-tabular"])
    assert "environments" not in (tmp_path / "prod" / "code" / "slipway.yaml").read_text(encoding="utf-8")
