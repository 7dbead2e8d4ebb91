"""The heavy tier's image: its build context, and its references in the templates."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from support.heavy.templates import heavy_model

from infra import application
from infra.bundling.image import build_context, image_asset, training_image_asset
from slipway.config import load_config
from slipway.config.heavy import HeavyConfig
from slipway.errors import ConfigError


def context_of(config_file):
    return build_context(root=config_file.parent, config_file=config_file, config=load_config(config_file))


def test_the_build_is_given_our_code_and_the_heavy_models_and_nothing_else(make_project):
    config_file = make_project(models=heavy_model())
    folder = context_of(config_file)
    assert {path.name for path in folder.iterdir()} == {"container", "slipway", "slipway.yaml", "models"}
    assert (folder / "container" / "Dockerfile").is_file()
    assert (folder / "slipway.yaml").read_bytes() == config_file.read_bytes()
    assert sorted(path.relative_to(folder).as_posix() for path in (folder / "models").glob("*/*")) == [
        "models/tiny-large/1",
        "models/tiny-large/2",
    ]
    assert not list(folder.rglob("__pycache__"))


def test_the_build_is_given_no_code_that_only_a_laptop_needs(make_project):
    folder = context_of(make_project(models=heavy_model()))
    laptop = {"cli", "models/advice", "models/compression", "models/importing", "releases/simulation"}
    assert {name for name in laptop if (folder / "slipway" / name).exists()} == set()
    assert (folder / "slipway/bundling/stripping.py").is_file()


def test_what_goes_from_the_project_goes_from_the_build(make_project):
    config_file = make_project(models=heavy_model())
    context_of(config_file)
    config_file.write_text(
        config_file.read_text().replace("heavy, versions: [1, 2], stable: 1", "heavy, versions: [2], stable: 2")
    )
    assert not (context_of(config_file) / "models" / "tiny-large" / "1").exists()
    assert [path.name for path in (config_file.parent / "build").iterdir()] == ["image"]


def test_the_build_is_given_the_users_own_tasks(make_project):
    config_file = make_project(models=heavy_model(), rest="light: { task_modules: [ranking.tasks, mine] }")
    for file in ("ranking/tasks.py", "ranking/names.txt", "mine.py"):
        (config_file.parent / file).parent.mkdir(exist_ok=True)
        (config_file.parent / file).write_text("")
    folder = context_of(config_file)
    assert {"tasks.py", "names.txt"} == {path.name for path in (folder / "ranking").iterdir()}
    assert (folder / "mine.py").is_file()


def test_a_task_module_cannot_take_the_containers_place(make_project):
    config_file = make_project(models=heavy_model(), rest="light: { task_modules: [container] }")
    with pytest.raises(ConfigError, match=r"light\.task_modules: `container` would replace"):
        context_of(config_file)


def image_of(folder: Path, settings: HeavyConfig, outdir: Path, *, jobs: bool = False):
    """The only image of the assets that a deploy would build."""
    app = cdk.App(outdir=str(outdir), builtin_cloud_formation_validation=False)
    image_asset(cdk.Stack(app, "Stack"), "Image", context=folder, settings=settings, jobs=jobs)
    assets = json.loads((Path(app.synth().directory) / "Stack.assets.json").read_text(encoding="utf-8"))
    (image,) = assets["dockerImages"].values()
    return image["source"]


def test_compute_and_architecture_choose_the_image(make_project, tmp_path):
    folder = context_of(make_project(models=heavy_model()))
    cpu = image_of(folder, HeavyConfig(architecture="arm64"), tmp_path / "cpu")
    gpu = image_of(folder, HeavyConfig(compute="gpu"), tmp_path / "gpu")
    assert (cpu["dockerBuildArgs"], cpu["platform"]) == ({"RUNTIME": "onnxruntime"}, "linux/arm64")
    assert (gpu["dockerBuildArgs"], gpu["platform"]) == ({"RUNTIME": "onnxruntime-gpu"}, "linux/amd64")
    assert cpu["dockerFile"] == "container/Dockerfile"


@pytest.mark.parametrize(("settings", "runtime"), [(HeavyConfig(), "batch"), (HeavyConfig(compute="gpu"), "batch-gpu")])
def test_tasks_of_jobs_have_arrow_and_slots_have_not(make_project, tmp_path, settings, runtime):
    folder = context_of(make_project(models=heavy_model()))
    assert image_of(folder, settings, tmp_path / "out", jobs=True)["dockerBuildArgs"] == {"RUNTIME": runtime}
    slots = "onnxruntime-gpu" if settings.compute == "gpu" else "onnxruntime"
    assert "pyarrow==" in (folder / "container" / f"{runtime}.lock").read_text(encoding="utf-8")
    assert "pyarrow==" not in (folder / "container" / f"{slots}.lock").read_text(encoding="utf-8")


def test_the_image_is_another_only_when_something_in_it_changed(make_project, tmp_path):
    config_file = make_project(models=heavy_model())
    settings = HeavyConfig()
    first = image_of(context_of(config_file), settings, tmp_path / "first")
    assert image_of(context_of(config_file), settings, tmp_path / "second") == first
    config_file.write_text(config_file.read_text() + "# changed\n")
    assert image_of(context_of(config_file), settings, tmp_path / "third") != first


def trained(requirements: str, compute: str = "gpu") -> str:
    """slipway.yaml of a model whose recipe brings packages."""
    training = f'{{ recipe: "recipe:train", compute: {compute}, requirements: {requirements} }}'
    return f"  tiny-tabular: {{ versions: [1], stable: 1, training: {training} }}"


def test_the_packages_of_a_recipe_are_in_the_build_and_make_another_image(make_project, tmp_path):
    config_file = make_project(models=trained("recipes/gpu.lock", "fargate"))

    def built(requirements: str, outdir: str):
        (config_file.parent / "recipes").mkdir(exist_ok=True)
        (config_file.parent / "recipes/gpu.lock").write_text(requirements)
        folder = context_of(config_file)
        assert (folder / "recipes/gpu.lock").read_text() == requirements
        assert (folder / "slipway/bundling/recipe_packages.py").is_file()
        app = cdk.App(outdir=str(tmp_path / outdir), builtin_cloud_formation_validation=False)
        stack = cdk.Stack(app, "Stack")
        training_image_asset(stack, "Image", context=folder, requirements="recipes/gpu.lock")
        training_image_asset(stack, "Plain", context=folder)
        assets = json.loads((Path(app.synth().directory) / "Stack.assets.json").read_text(encoding="utf-8"))
        return {
            each["source"]["dockerBuildArgs"].get("REQUIREMENTS"): (digest, each["source"])
            for digest, each in assets["dockerImages"].items()
        }

    first, second = built("torch==2.9.0\n", "first"), built("torch==2.9.1\n", "second")
    assert first.keys() == {"recipes/gpu.lock", None}
    assert first["recipes/gpu.lock"][1]["dockerBuildArgs"]["RUNTIME"] == "training"
    assert first["recipes/gpu.lock"][0] != second["recipes/gpu.lock"][0]


def test_models_that_are_trained_with_the_same_packages_share_an_image(make_project, monkeypatch):
    models = "\n".join(
        f'  {name}: {{ versions: [1], stable: 1, capture: {{ sample: 1 }}, training: "recipe:train" }}'
        for name in ("tiny-tabular", "tiny-sentiment")
    )
    config_file = make_project(models=models)
    (config_file.parent / "recipe.py").write_text("")
    monkeypatch.setattr(application, "wants_image", lambda _: True)
    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(context=context, outdir=str(config_file.parent / "cdk.out"), builtin_cloud_formation_validation=False)
    stacks = application.add_stacks(app, config_file=config_file, target="host")
    assets = json.loads((Path(app.synth().directory) / f"{stacks.training.stack_name}.assets.json").read_text())
    assert len(assets["dockerImages"]) == 1


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("missing.txt", None, "there is no file `missing.txt`"),
        ("../own.txt", "torch\n", "`../own.txt` must lie below the folder of slipway.yaml"),
        ("own.txt", "torch\n-c pins.txt\n", "`-c pins.txt` in it names another file"),
    ],
)
def test_a_file_of_packages_that_no_build_would_have_is_refused_by_name(make_project, path, text, problem):
    config_file = make_project(models=trained(path))
    if text is not None:
        (config_file.parent / path).write_text(text)
    with pytest.raises(ConfigError, match=rf"models\.tiny-tabular\.training\.requirements: {problem}"):
        context_of(config_file)


def test_the_embedded_aws_pulls_no_image(heavy):
    images = [
        container["Image"]
        for task in heavy.of_type("AWS::ECS::TaskDefinition").values()
        for container in task["Properties"]["ContainerDefinitions"]
    ]
    assert images == ["slipway-heavy"] * 2
