from pathlib import Path

import pytest
from support.packages import make_tabular_package, make_text_package, seal_again

from slipway.config import Config, parse_config
from slipway.errors import ConfigError, NotLoadedError, PackageError
from slipway.models.bundle import load_models, load_version
from slipway.models.manifest import Quantization
from slipway.models.package import MANIFEST, Package, load_package, read_manifest
from slipway.models.servable import config_problems, require_servable

CONFIG = """
models:
  tiny-sentiment: {versions: [1, 2], stable: 1}
  tiny-tabular: {versions: [1], stable: 1}
features:
  tumour:
    entity: patient
    features:
      radius: {type: float}
      smooth: {type: float}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for version in (1, 2):
        make_text_package(tmp_path / "models" / "tiny-sentiment" / str(version), version=version)
    make_tabular_package(tmp_path / "models" / "tiny-tabular" / "1")
    return tmp_path


@pytest.fixture
def config() -> Config:
    return parse_config(CONFIG)


def test_every_deployed_version_is_opened(root: Path, config: Config) -> None:
    models = load_models(config, root)
    assert list(models) == [("tiny-sentiment", 1), ("tiny-sentiment", 2), ("tiny-tabular", 1)]
    assert models["tiny-sentiment", 2].manifest.version == 2
    assert models["tiny-tabular", 1].predict([{"radius": 20.0, "smooth": 0.5, "age": 1}])[0]["label"] == "yes"


def test_versions_that_are_not_deployed_are_left(root: Path, config: Config) -> None:
    make_text_package(root / "models" / "tiny-sentiment" / "3", name="other", version=9)
    assert ("tiny-sentiment", 3) not in load_models(config, root)


def test_a_model_may_lie_elsewhere(root: Path) -> None:
    make_text_package(root / "elsewhere" / "4", version=4)
    config = parse_config("models: {tiny-sentiment: {path: elsewhere, versions: [4], stable: 4}}")
    assert list(load_models(config, root)) == [("tiny-sentiment", 4)]


@pytest.mark.parametrize(("name", "version"), [("other", 2), ("tiny-sentiment", 3)])
def test_the_folder_says_name_and_version(root: Path, config: Config, name: str, version: int) -> None:
    make_text_package(root / "models" / "tiny-sentiment" / "2", name=name, version=version)
    message = f"model.yaml: is of {name} {version}, but is in the folder of tiny-sentiment 2"
    assert _reasons(config, root) == {("tiny-sentiment", 2): message}


def test_a_version_that_is_not_there_is_named(root: Path, config: Config) -> None:
    with pytest.raises(PackageError, match=r"tiny-sentiment/7/model.yaml: is missing"):
        load_version(config, root, "tiny-sentiment", 7)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("{}", "features.tumour: is not defined, but tiny-tabular 1 reads radius from it"),
        (
            "{tumour: {entity: patient, features: {radius: {type: float}}}}",
            "features.tumour.features.smooth: is not defined, but tiny-tabular 1 reads smooth from it",
        ),
        (
            "{tumour: {entity: patient, features: {radius: {type: string}, smooth: {type: float}}}}",
            "features.tumour.features.radius: is of type string, but tiny-tabular 1 reads radius from it as float",
        ),
    ],
)
def test_features_are_defined_as_the_manifest_takes_them(root: Path, features: str, message: str) -> None:
    config = parse_config(f"models: {{tiny-tabular: {{versions: [1], stable: 1}}}}\nfeatures: {features}")
    assert _reasons(config, root)["tiny-tabular", 1].startswith(message)
    with pytest.raises(ConfigError, match=message):
        load_version(config, root, "tiny-tabular", 1)
    with pytest.raises(ConfigError, match=message):
        require_servable(config, load_package(root / "models/tiny-tabular/1").manifest)


@pytest.mark.parametrize(
    ("compute", "method", "refused"),
    [
        ("gpu", "dynamic int8 by ONNX Runtime, one scale for each channel", True),
        ("gpu", "static int8 by ONNX Runtime", False),
        ("fargate", "dynamic int8 by ONNX Runtime", False),
    ],
)
def test_what_a_gpu_would_leave_to_the_processors_is_refused_on_gpus(
    root: Path, compute: str, method: str, *, refused: bool
) -> None:
    package = load_package(root / "models/tiny-sentiment/1")
    manifest = package.manifest.model_copy(update={"quantization": Quantization(method=method)})
    heavy = f"tier: heavy, heavy: {{compute: {compute}}}"
    rest = "network: {nat_gateways: 1}"
    config = parse_config(f"models: {{tiny-sentiment: {{versions: [1], stable: 1, {heavy}}}}}\n{rest}")
    problems = config_problems(config, manifest)
    assert [problem.field for problem in problems] == ["models.tiny-sentiment.heavy.compute"] * refused
    assert all("version 1 is dynamic int8" in problem.message for problem in problems)


def _reasons(config: Config, root: Path) -> dict[tuple[str, int], str]:
    found = load_models(config, root).items()
    return {key: each.reason for key, each in found if isinstance(each, NotLoadedError)}


def _reseal(folder: Path, file: str, content: bytes) -> None:
    """Replace a file of a package, with its right digest."""
    (folder / file).write_bytes(content)
    seal_again(Package(folder, read_manifest(folder / MANIFEST)))


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("model.onnx", b"", "model.onnx: cannot be opened by ONNX Runtime"),
        ("model.onnx", b"\x08\x0a" * 99, "model.onnx: cannot be opened by ONNX Runtime"),
        ("tokenizer.json", b"{", "tokenizer.json: is not a tokenizer"),
    ],
)
def test_a_file_that_cannot_be_read_costs_its_version_alone(
    root: Path, config: Config, file: str, content: bytes, reason: str
) -> None:
    _reseal(root / "models/tiny-sentiment/2", file, content)
    reasons = _reasons(config, root)
    assert list(reasons) == [("tiny-sentiment", 2)]
    assert reasons["tiny-sentiment", 2].startswith(reason)
    assert str(root) not in reasons["tiny-sentiment", 2]


@pytest.mark.parametrize("file", ["model.yaml", "model.onnx", "tokenizer.json", "README.md"])
def test_a_file_that_is_gone_costs_its_version_alone(root: Path, config: Config, file: str) -> None:
    (root / "models/tiny-sentiment/2" / file).unlink()
    assert _reasons(config, root)["tiny-sentiment", 2].startswith(f"{file}: is missing")


def test_code_of_the_user_that_fails_costs_its_version_alone(
    root: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    methods = "def encode(self, records): ...\n    def decode(self, tensors): ..."
    source = f"class Task:\n    def __init__(self, package, graph): raise KeyError('secret')\n    {methods}\n"
    (tmp_path / "failing_task.py").write_text(source, encoding="utf-8")
    make_text_package(root / "models/tiny-sentiment/2", version=2, task="failing_task:Task")
    light = config.light.model_copy(update={"task_modules": ("failing_task",)})
    reasons = _reasons(config.model_copy(update={"light": light}), root)
    assert reasons == {("tiny-sentiment", 2): "model.yaml: task: failing_task:Task cannot be created: KeyError"}


def test_heavy_models_are_left_to_their_containers(root: Path) -> None:
    heavy = "  tiny-large: {tier: heavy, versions: [1], stable: 1}\n"
    config = parse_config(CONFIG.replace("features:\n", f"{heavy}features:\n", 1))
    assert {name for name, _ in load_models(config, root)} == {"tiny-sentiment", "tiny-tabular"}
