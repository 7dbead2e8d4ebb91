"""`training` of a model in slipway.yaml: defaults, the four stages, and what cannot be."""

from typing import Any

import pytest
import yaml

from slipway.config import parse_config
from slipway.config.releases.options import Canary, Shadow
from slipway.config.training import TrainingConfig, with_release_options
from slipway.errors import ConfigError

RECIPE = "recipes.flight_delay:train"


def training(document: Any) -> TrainingConfig:
    model = {"versions": [1], "stable": 1, "training": document}
    found = parse_config(yaml.safe_dump({"models": {"m": model}})).models["m"].training
    assert found is not None
    return found


def test_a_recipe_is_all_that_is_needed() -> None:
    assert training(RECIPE) == training({"recipe": RECIPE})
    found = training(RECIPE)
    assert (found.mode, found.schedule, found.triggers, found.approval) == ("stateless", None, (), "none")
    assert (found.gates.max_drop, found.gates.min_agreement) == (0.02, 0.7)


def test_without_it_a_model_is_not_trained() -> None:
    assert parse_config("models: {m: {versions: [1], stable: 1}}").models["m"].training is None


@pytest.mark.parametrize(
    "stage",
    [
        {},
        {"schedule": "rate(30 days)"},
        {"schedule": "rate(1 day)"},
        {"schedule": "rate(12 hours)", "approval_hours": 8640},
        {"schedule": "cron(0 3 1 * ? *)", "mode": "stateful", "window_days": 31},
        {"triggers": ["drift", "accuracy"], "quiet_hours": 12, "approval": "required"},
    ],
)
def test_the_four_stages_are_settings(stage: dict[str, Any]) -> None:
    found = training({"recipe": RECIPE, **stage})
    assert found.model_dump(include=stage.keys()) == {
        name: tuple(value) if isinstance(value, list) else value for name, value in stage.items()
    }


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"recipe": "recipes.flight_delay"}, "training.recipe: must match"),
        ({"recipe": RECIPE, "shedule": "rate(1 day)"}, "did you mean `schedule`"),
        ({"recipe": RECIPE, "schedule": "monthly"}, "training.schedule: must match"),
        ({"recipe": RECIPE, "schedule": "rate(0 days)"}, "is no rate, e.g. rate"),
        ({"recipe": RECIPE, "schedule": "rate(1 days)"}, "is no rate, e.g. rate"),
        ({"recipe": RECIPE, "schedule": "rate(5 hour)"}, "is no rate, e.g. rate"),
        ({"recipe": RECIPE, "schedule": "cron(0 3 * * *)"}, "needs six fields"),
        ({"recipe": RECIPE, "approval_hours": 8641}, "training.approval_hours: must be at most 8640"),
        (
            {"recipe": RECIPE, "size": {"vcpus": 3, "memory_mb": 20480}},
            "Fargate has no task of `size.vcpus: 3` with `size.memory_mb: 20480`; the nearest is `size.vcpus: 4` with "
            "`size.memory_mb: 20480`",
        ),
        ({"recipe": RECIPE, "size": {"memory_mb": 2048}}, "Fargate has no task of `size.vcpus: 2`"),
        ({"recipe": RECIPE, "triggers": ["skew"]}, "must be one of 'drift' or 'accuracy'"),
        ({"recipe": RECIPE, "triggers": ["drift", "drift"]}, "`triggers` names one twice"),
        ({"recipe": RECIPE, "compute": "lambda", "timeout_minutes": 16}, "runs 15 minutes at most"),
        ({"recipe": RECIPE, "compute": "lambda", "spot": True}, "Lambda has no Spot capacity"),
        ({"recipe": RECIPE, "compute": "lambda", "size": {"memory_mb": 16384}}, "10240 MB at most"),
        ({"recipe": RECIPE, "compute": "lambda", "requirements": "gpu.txt"}, "a Lambda function has no image"),
        ({"recipe": RECIPE, "requirements": "/etc/gpu.txt"}, "training.requirements: must match"),
        ({"recipe": RECIPE, "requirements": "gpu.txt; rm"}, "training.requirements: must match"),
        ({"recipe": RECIPE, "gpus": 1}, "`gpus: 1` needs `compute: gpu`; `fargate` has no GPUs"),
        ({"recipe": RECIPE, "compute": "gpu", "gpus": 0}, "`compute: gpu` needs `gpus` of at least 1"),
        ({"recipe": RECIPE, "compute": "gpu", "size": {"vcpu": 3}}, "did you mean `vcpus`"),
        ({"recipe": RECIPE, "compute": "gpu", "instance_types": []}, "training.instance_types"),
        ({"recipe": RECIPE, "compute": "gpu", "instance_types": ["g6"]}, "training.instance_types"),
        ({"recipe": RECIPE, "instance_types": ["g6.*"]}, "`instance_types` needs `compute: gpu`"),
        ({"recipe": RECIPE, "validation": 0}, "training.validation: must be more than 0"),
        ({"recipe": RECIPE, "gates": {"max_drop": -1}}, "training.gates.max_drop: must be at least 0"),
        ({"recipe": RECIPE, "release": {"options": {"share": 0.1, "sahre": 1}}}, "`training.release.options.sahre`"),
        ({"recipe": RECIPE, "release": {"strategy": "canary", "options": {"share": 2}}}, "must be less than 1"),
    ],
)
def test_a_mistake_is_named(document: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        training(document)


def test_a_gpu_brings_what_an_instance_has_and_the_time_to_start_it() -> None:
    found = training({"recipe": RECIPE, "compute": "gpu", "requirements": "recipes/gpu.lock", "spot": True})
    assert (found.gpus, found.timeout_minutes, found.instance_types) == (1, 60, ("g4dn.*", "g5.*", "g6.*"))
    assert (found.size.vcpus, found.size.memory_mb) == (3, 12_288)
    own = {"gpus": 4, "timeout_minutes": 600, "size": {"vcpus": 40, "memory_mb": 180_000}}
    found = training({"recipe": RECIPE, "compute": "gpu", **own})
    assert found.model_dump(include=own.keys()) == own
    assert training({"recipe": RECIPE, "compute": "gpu", "size": {"vcpus": 2}}).size.memory_mb == 12_288


def test_without_a_gpu_nothing_is_different() -> None:
    found = training(RECIPE)
    assert (found.compute, found.gpus, found.timeout_minutes, found.requirements) == ("fargate", 0, 15, None)
    assert (found.size.vcpus, found.size.memory_mb) == (2, 4096)


def test_a_release_takes_the_models_options_with_its_own() -> None:
    document = {
        "versions": [1],
        "stable": 1,
        "release": {"canary": {"bake_minutes": 7}},
        "training": {"recipe": RECIPE, "release": {"options": {"share": 0.2}}},
    }
    model = parse_config(yaml.safe_dump({"models": {"m": document}})).models["m"]
    assert model.training is not None
    options = with_release_options(model.release, model.training.release)
    assert isinstance(options, Canary)
    assert (options.share, options.bake_minutes) == (0.2, 7)
    shadow = training({"recipe": RECIPE, "release": {"strategy": "shadow", "options": {"minutes": 60}}})
    assert isinstance(with_release_options(model.release, shadow.release), Shadow)
