"""Versions on local disk, from the bundle or the registry."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from support.packages import make_tabular_package, make_text_package
from support.registries import ORIGIN, PASSED, Flaky, Parts, spoil

from slipway.config import Config, parse_config
from slipway.errors import ConfigError, NotFoundError, NotLoadedError, PackageError, UnavailableError
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.registry.fetching import RETRY_SECONDS, VersionLoader, fetch_version, find_version

NAME = "tiny-sentiment"


@pytest.fixture
def registered(parts: Parts, text_package: Package) -> Parts:
    """A registry with two versions."""
    for _ in range(2):
        parts.registry.register(text_package, PASSED, ORIGIN)
    return parts


@pytest.fixture
def gone(registered: Parts) -> Flaky:
    """The same registry, unreachable."""
    return Flaky(registered, lambda _: True, UnavailableError("model registry", "gone"), carried_out=False)


@pytest.fixture
def config() -> Config:
    return parse_config(
        "models: {tiny-sentiment: {versions: [1, 2], stable: 1}, tiny-tabular: {versions: [1], stable: 1}}"
    )


def test_a_fetched_version_predicts_and_is_kept(registered: Parts, gone: Flaky, tmp_path: Path):
    package = fetch_version(registered.registry, NAME, 2, tmp_path / "cache")
    assert package.folder == tmp_path / "cache" / NAME / "2"
    assert Predictor(package).predict([{"text": "good"}])[0]["label"] == "positive"
    assert fetch_version(gone.registry, NAME, 2, tmp_path / "cache") == package
    assert gone.calls == 0


def test_a_digest_that_does_not_match_leaves_what_serves_alone(registered: Parts, tmp_path: Path):
    serving = Predictor(fetch_version(registered.registry, NAME, 1, tmp_path))
    spoil(registered, f"models/{NAME}/2/model.onnx", lambda content: content[:-1] + b"\0")
    with pytest.raises(PackageError, match=r"models/tiny-sentiment/2/model\.onnx: was altered"):
        fetch_version(registered.registry, NAME, 2, tmp_path)
    assert serving.predict([{"text": "awful"}])[0]["label"] == "negative"
    assert [path.name for path in (tmp_path / NAME).iterdir()] == ["1"]


def test_a_copy_that_was_altered_is_fetched_anew(registered: Parts, tmp_path: Path):
    package = fetch_version(registered.registry, NAME, 1, tmp_path)
    (package.folder / "model.onnx").write_bytes(b"cut short")
    assert load_package(fetch_version(registered.registry, NAME, 1, tmp_path).folder) == package


def test_what_cannot_be_fetched_is_said(registered: Parts, gone: Flaky, tmp_path: Path):
    with pytest.raises(NotFoundError):
        fetch_version(registered.registry, NAME, 3, tmp_path)
    with pytest.raises(UnavailableError):
        fetch_version(gone.registry, NAME, 1, tmp_path)


def test_the_bundle_comes_first(registered: Parts, gone: Flaky, config: Config, tmp_path: Path):
    bundle = tmp_path / "bundle"
    bundled = make_text_package(bundle / "models" / NAME / "1")
    assert find_version(config, bundle, gone.registry, NAME, 1, cache=tmp_path / "cache") == bundled
    other = find_version(config, bundle, registered.registry, NAME, 2, cache=tmp_path / "cache")
    assert other.folder == tmp_path / "cache" / NAME / "2"


def test_a_version_whose_features_are_not_defined_is_refused(registered: Parts, config: Config, tmp_path: Path):
    package = make_tabular_package(tmp_path / "tabular")
    registered.registry.register(package, PASSED, ORIGIN)
    with pytest.raises(ConfigError, match=r"features\.tumour"):
        find_version(config, tmp_path / "bundle", registered.registry, "tiny-tabular", 1, cache=tmp_path / "cache")


def test_a_version_larger_than_the_disk_has_room_for_is_refused(
    registered: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(PackageError, match=r"1 bytes free, but tiny-sentiment 2 needs"):
        fetch_version(registered.registry, NAME, 2, tmp_path)
    assert list((tmp_path / NAME).iterdir()) == []


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with version 1 of the text model and the tabular model."""
    make_text_package(tmp_path / "bundle/models" / NAME / "1")
    make_tabular_package(tmp_path / "bundle/models/tiny-tabular/1")
    return tmp_path / "bundle"


@pytest.fixture
def tumours(config: Config) -> Config:
    """The same configuration, with the features that the tabular model reads."""
    groups = {"tumour": {"entity": "patient", "features": {n: {"type": "float"} for n in ("radius", "smooth")}}}
    return Config.model_validate({**config.model_dump(exclude_unset=True), "features": groups})


def test_every_version_is_loaded_from_where_it_is(registered: Parts, tumours: Config, bundle: Path, tmp_path: Path):
    loader = VersionLoader(tumours, bundle, lambda: registered.registry, cache=tmp_path / "cache")
    found = loader.load_light(strict=True)
    assert list(found) == [(NAME, 1), (NAME, 2), ("tiny-tabular", 1)]
    assert found[NAME, 1].package.folder.is_relative_to(bundle)
    assert found[NAME, 2].package.folder.is_relative_to(tmp_path / "cache")


def test_without_the_registry_the_versions_of_the_bundle_serve(
    registered: Parts, gone: Flaky, tumours: Config, bundle: Path, tmp_path: Path
):
    now = [0.0]
    registries = [gone.registry]
    loader = VersionLoader(tumours, bundle, lambda: registries[0], cache=tmp_path / "cache", clock=lambda: now[0])
    with pytest.raises(UnavailableError, match=r"tiny-sentiment 2 cannot be loaded: .*gone"):
        loader.load_light(strict=True)
    assert list(loader.load_light(strict=False)) == [(NAME, 1), ("tiny-tabular", 1)]
    asked = gone.calls
    registries[0] = registered.registry
    now[0] = RETRY_SECONDS - 1
    with pytest.raises(UnavailableError, match="gone"):
        loader.load(NAME, 2)
    assert gone.calls == asked
    now[0] = RETRY_SECONDS
    assert loader.load(NAME, 2).predict([{"text": "good"}])[0]["label"] == "positive"


def test_an_altered_object_leaves_out_only_its_version(
    registered: Parts, tumours: Config, bundle: Path, tmp_path: Path
):
    spoil(registered, f"models/{NAME}/2/tokenizer.json", lambda content: content + b" ")
    loader = VersionLoader(tumours, bundle, lambda: registered.registry, cache=tmp_path / "cache")
    for strict in (False, True):
        failure = loader.load_light(strict=strict)[NAME, 2]
        assert isinstance(failure, NotLoadedError)
        assert failure.reason.startswith(f"models/{NAME}/2/tokenizer.json: was altered")


def test_an_altered_file_of_the_bundle_is_no_business_of_the_registry(
    registered: Parts, tumours: Config, bundle: Path, tmp_path: Path
):
    (bundle / "models" / NAME / "1" / "README.md").write_text("altered", "utf-8")
    loader = VersionLoader(tumours, bundle, lambda: registered.registry, cache=tmp_path / "cache")
    for _ in range(2):
        failure = loader.load_light(strict=True)[NAME, 1]
        assert isinstance(failure, NotLoadedError)
        assert failure.reason.startswith("README.md: ")
    with pytest.raises(NotLoadedError, match=r"README\.md"):
        loader.load(NAME, 1)
