"""A small project, synthesized once per variant."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from support.heavy.templates import heavy_model
from support.packages import make_tabular_package, make_text_package

from infra.application import add_stacks
from infra.delivery import Delivery

Resources = dict[str, dict[str, Any]]

PROJECT = """\
project: tiny
batch: {{ enabled: {batch} }}
models:
  tiny-sentiment: {{ versions: [1, 2], stable: 1, cache: {{ enabled: {cache} }} }}
{models}
features:
  tumour:
    entity: patient
    features: {{ radius: {{ type: float }}, smooth: {{ type: float }} }}
{history}{rest}
"""
GROUPED = "  tiny-tabular: { versions: [1], stable: 1 }"
TRAINED = """\
  tiny-tabular:
    versions: [1]
    stable: 1
    capture: { sample: 1 }
    training:
      { recipe: "recipe:train", triggers: [drift, accuracy], spot: true, approval: required, features: history }
  tiny-other:
    versions: [1]
    stable: 1
    capture: { sample: 1 }
    training: { recipe: "recipe:train", compute: lambda, schedule: "rate(30 days)" }
"""


TRAINED_ON_GPUS = """\
  tiny-tabular:
    versions: [1]
    stable: 1
    capture: { sample: 1 }
    training: { recipe: "recipe:train", compute: gpu, instance_types: ["g6.*"], requirements: gpu.txt }
  tiny-other:
    versions: [1]
    stable: 1
    capture: { sample: 1 }
    training: { recipe: "recipe:train", compute: gpu, gpus: 4, size: { vcpus: 40, memory_mb: 160000 }, spot: true }
"""


@dataclass(frozen=True)
class Synthesized:
    """The templates of a project."""

    folder: Path
    state: dict[str, Any]
    serving: dict[str, Any]
    shadow: dict[str, Any]
    releases: dict[str, Any]
    heavy: dict[str, Any] | None = None
    batch: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    access: dict[str, Any] | None = None

    def of_type(self, type_: str) -> Resources:
        """The resources of one type in all stacks except that of the releases."""
        stacks = [self.state, self.serving, self.heavy or {"Resources": {}}]
        every = {name: resource for stack in stacks for name, resource in stack["Resources"].items()}
        return {name: resource for name, resource in every.items() if resource["Type"] == type_}


Synthesize = Callable[..., Synthesized]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages of small models, at ``<folder>/<name>/<version>``."""
    folder = tmp_path_factory.mktemp("packages")
    for version in (1, 2):
        make_text_package(folder / "tiny-sentiment" / str(version), version=version)
        make_text_package(folder / "tiny-large" / str(version), name="tiny-large", version=version)
    make_tabular_package(folder / "tiny-tabular" / "1")
    return folder


@pytest.fixture(scope="session")
def make_project(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a project and return its slipway.yaml."""

    def make(
        *, cache: bool = True, models: str = GROUPED, history: str = "", batch: str = "false", rest: str = ""
    ) -> Path:
        root = tmp_path_factory.mktemp("project")
        (root / "models").symlink_to(packages)
        text = PROJECT.format(cache=str(cache).lower(), models=models, history=history, batch=batch, rest=rest)
        (root / "slipway.yaml").write_text(text, encoding="utf-8")
        (root / "recipe.py").write_text("def train(data, draft, parent): ...\n", encoding="utf-8")
        (root / "gpu.txt").write_text("torch==2.9.0\n", encoding="utf-8")
        return root / "slipway.yaml"

    return make


@pytest.fixture(scope="session")
def synthesize(make_project: Callable[..., Path]) -> Synthesize:
    """Synthesize a project with its checks; an unacknowledged finding raises RuntimeError."""

    def run(
        *,
        break_glass: str | bool | None = None,
        delivery: Delivery | None = None,
        environment: str | None = None,
        **project: Any,
    ) -> Synthesized:
        options = {"break_glass": break_glass, "delivery": delivery, "environment": environment}
        return _synthesized(make_project(**project), **options)

    return run


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The project of this repository, as it is shipped."""
    root = tmp_path_factory.mktemp("shipped")
    (root / "models").symlink_to(Path("models").resolve())
    shutil.copyfile("slipway.yaml", root / "slipway.yaml")
    return _synthesized(root / "slipway.yaml")


@pytest.fixture(scope="session")
def templates(synthesize: Synthesize) -> Synthesized:
    """The project with everything enabled: a cache, features, `authorization: iam`."""
    return synthesize()


@pytest.fixture(scope="session")
def heavy(synthesize: Synthesize) -> Synthesized:
    """The project with a heavy model on Fargate, with default settings."""
    return synthesize(models=heavy_model())


@pytest.fixture(scope="session")
def capturing(synthesize: Synthesize) -> Synthesized:
    """The project with captures of a model of each tier."""
    light = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"
    return synthesize(models=f"{light}\n{heavy_model('capture: { sample: 0.1 }')}")


@pytest.fixture(scope="session")
def recording(synthesize: Synthesize) -> Synthesized:
    """The project with the history of its feature group."""
    return synthesize(history="    history: { retention_days: 90 }\n")


@pytest.fixture(scope="session")
def training(synthesize: Synthesize) -> Synthesized:
    """The project with two models that are trained again, one in a function and one in a task."""
    return synthesize(models=TRAINED, history="    history: true\n")


@pytest.fixture(scope="session")
def gpu_training(synthesize: Synthesize) -> Synthesized:
    """The project with two models that are trained on GPUs, one of them on Spot capacity."""
    return synthesize(models=TRAINED_ON_GPUS)


@pytest.fixture(scope="session")
def batching(synthesize: Synthesize) -> Synthesized:
    """The project with batch jobs by models of each tier, in buckets of others, by the clock, and with all extras."""
    addresses = "input: 's3://coming/{date}/', output: 's3://going/{date}/'"
    nightly = f"nightly: {{ model: tiny-sentiment, {addresses}, cron: '0 3 * * ? *' }}"
    batch = f"true, inputs: ['s3://theirs/in/'], outputs: ['s3://theirs/out/'], schedules: {{ {nightly} }}"
    ahead = "cache: { precomputed: patient }"
    models = f"{GROUPED.replace('stable: 1', f'stable: 1, {ahead}')}\n{heavy_model(ahead)}"
    return synthesize(models=models, batch=batch, history="    history: true\n")


@pytest.fixture(scope="session")
def gpu(synthesize: Synthesize) -> Synthesized:
    """The project with a heavy model on GPUs."""
    model = heavy_model("heavy: { compute: gpu, cpu: 3, memory_mb: 12000, instance_types: ['g6.*'] }")
    return synthesize(models=model, batch="true", rest="network: { nat_gateways: 1 }")


def _synthesized(config_file: Path, **options: Any) -> Synthesized:
    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(context=context, outdir=str(config_file.parent / "cdk.out"), builtin_cloud_formation_validation=False)
    stacks = add_stacks(app, config_file=config_file, target="host", **options)
    folder = Path(app.synth().directory)
    heavy = _template(folder, stacks.heavy) if stacks.heavy else None
    training = _template(folder, stacks.training) if stacks.training else None
    own = (_template(folder, stack) for stack in (stacks.state, stacks.serving, stacks.shadow, stacks.releases))
    batch = _template(folder, stacks.batch) if stacks.batch else None
    access = _template(folder, stacks.access) if stacks.access else None
    return Synthesized(folder, *own, heavy, batch, training, access)


def _template(folder: Path, stack: cdk.Stack) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((folder / stack.template_file).read_text(encoding="utf-8"))
    return template
