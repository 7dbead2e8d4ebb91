"""What the image holds."""

from pathlib import Path

from image.running import Image, buildah

from slipway.config import Config

MEGABYTE = 1000 * 1000
LIMIT = 400 * MEGABYTE
UNITS = {"KB": 1000, "MB": MEGABYTE, "GB": 1000 * MEGABYTE}


def size_of(image: Image) -> float:
    amount, unit = buildah("images", "--format", "{{.Size}}", image.name).split()
    return float(amount) * UNITS[unit]


def test_it_is_within_its_size(image: Image) -> None:
    assert size_of(image) < LIMIT


def test_it_has_nothing_that_builds_or_installs(image: Image) -> None:
    bins = [image.root / "usr/bin", image.root / "usr/local/bin", image.root / "opt/packages/bin"]
    programs = {path.name for folder in bins if folder.is_dir() for path in folder.iterdir()}
    assert not programs & {"gcc", "cc", "c++", "make", "uv", "pip", "pip3", "git"}
    for module in ("pip", "ensurepip"):
        done = image.run("python3", "-c", f"import {module}")
        assert f"No module named '{module}'" in done.stdout


def test_it_keeps_no_cache_and_no_trace_of_the_package_index(image: Image) -> None:
    left = [path for name in ("root", "tmp", "run", "build", "source") for path in (image.root / name).rglob("*")]
    assert [path for path in left if path.is_file() and not path.name.startswith(".")] == []
    assert not (image.root / "etc" / "pip.conf").exists()


def test_its_user_is_a_number_and_owns_nothing_that_runs(image: Image) -> None:
    user, _, group = image.config["User"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    folders = [image.root / "app", image.root / "opt"]
    owners = {path.lstat().st_uid for folder in folders for path in [folder, *folder.rglob("*")]}
    assert owners == {0}


def test_all_its_modules_are_compiled(image: Image) -> None:
    def compiled(file: Path) -> bool:
        return any((file.parent / "__pycache__").glob(f"{file.stem}.cpython-313.pyc"))

    folders = [image.root / "app", image.root / "opt" / "packages"]
    assert [str(file) for folder in folders for file in folder.rglob("*.py") if not compiled(file)] == []


def test_it_bundles_the_heavy_versions_of_slipway_yaml_and_no_other(image: Image, config: Config) -> None:
    app = image.root / "app"
    versions = {
        config.model_folder(app, name) / str(version)
        for name, model in config.heavy_models.items()
        for version in model.versions
    }
    assert {path.parent for path in app.rglob("model.yaml")} == versions


def test_it_holds_our_code_for_serving_only(image: Image) -> None:
    app = image.root / "app"
    models = {path.parts[len(app.parts)] for path in app.rglob("model.yaml")}
    assert {path.name for path in app.iterdir()} == {"container", "slipway", "slipway.yaml"} | models
    assert not (app / "slipway" / "cli").exists()


def test_a_change_of_the_code_makes_the_last_layer_anew_and_no_other(image: Image, rebuilt: Image) -> None:
    assert rebuilt.layers[:-1] == image.layers[:-1]
    assert rebuilt.layers[-1] != image.layers[-1]
    assert size_of(rebuilt) < LIMIT
