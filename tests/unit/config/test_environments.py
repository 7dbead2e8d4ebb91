"""`environments` of slipway.yaml: how each overrides the rest, and what is refused."""

from pathlib import Path

import pytest

from slipway.config import load_local, parse_config, read_project
from slipway.errors import ConfigError, NotFoundError

BASE = """\
project: shop
models:
  small: { versions: [1, 2], stable: 1, gates: { quality: [{ metric: r2, min: 0.5 }] } }
  large: { tier: heavy, versions: [1], stable: 1, heavy: { min_tasks: 2 } }
light: { snap_start: false, memory_mb: 512 }
"""


def merged(overrides: str, environment: str = "prod"):
    return parse_config(f"{BASE}environments:\n  prod: {overrides}\n  local:\n", environment=environment)


def problems_of(overrides: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        merged(overrides, "local")
    return {problem.field: problem.message for problem in caught.value.problems}


def test_maps_merge_and_lists_replace() -> None:
    config = merged("{ light: { memory_mb: 1024 }, models: { small: { versions: [2], stable: 2 } } }")
    assert (config.light.memory_mb, config.light.snap_start) == (1024, False)
    assert config.models["small"].versions == (2,)
    assert config.models["small"].gates.quality[0].metric == "r2"
    assert config.models["large"].heavy.min_tasks == 2


def test_a_null_removes_a_key() -> None:
    config = merged("{ models: { large: null, small: { gates: null } }, light: null }")
    assert list(config.models) == ["small"]
    assert config.models["small"].gates.quality == ()
    assert config.light.memory_mb == 1769


def test_an_environment_adds_what_the_rest_lacks() -> None:
    assert merged("{ models: { extra: { versions: [3], stable: 3 } } }").models["extra"].stable == 3


def test_an_environment_leaves_the_rest_as_it_is() -> None:
    overrides = "{ light: { memory_mb: 1024 }, models: { large: null } }"
    config = parse_config(f"{BASE}environments:\n  prod: {overrides}\n")
    assert (config.project, config.light.memory_mb, list(config.models)) == ("shop", 512, ["small", "large"])


@pytest.mark.parametrize(
    ("text", "project"),
    [
        (f"{BASE}environments: {{ prod: {{}} }}", "shop-prod"),
        (f"{BASE}environments: {{ prod: {{ project: shop }} }}", "shop"),
        ("models: { small: { versions: [1], stable: 1 } }\nenvironments: { prod: }", "slipway-prod"),
    ],
)
def test_the_project_carries_the_environment_unless_that_names_it(text: str, project: str) -> None:
    assert parse_config(text, environment="prod").project == project


def test_a_fault_in_one_environment_is_found_in_another() -> None:
    assert problems_of("{ models: { small: { stable: 3 } } }") == {
        "environments.prod.models.small": "`stable: 3` is not among `versions`: [1, 2]"
    }


def test_a_fault_of_the_rest_is_named_once_at_its_own_path() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(BASE.replace("memory_mb", "memory") + "environments: { a: {}, b: {} }")
    assert [problem.field for problem in caught.value.problems] == ["light.memory"]


@pytest.mark.parametrize(
    ("overrides", "field", "message"),
    [
        ("{ light: { memry_mb: 1 } }", "light.memry_mb", "is not a known field; did you mean `memory_mb`?"),
        ("{ lihgt: {} }", "lihgt", "is not a known field; did you mean `light`?"),
        ("{ models: { larg: null } }", "models.larg", "null removes a key, and there is none of this name; did you "),
        ("{ models: { small: { heavy: {} } } }", "models.small", "`heavy` is set but the tier is light"),
        ("{ models: { small: { gates: { quality: [{ metric: r2, mim: 1 }] } } } }", "models.small.gates.quality[0].mim",
         "is not a known field; did you mean `min`?"),
        ("{ environments: {} }", "environments", "is not a known field"),
        ("{ models: { small: null, large: null } }", "models", "must have at least 1 item(s)"),
        (f"{{ project: {'a' * 49} }}", "project", "must match"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_path(overrides: str, field: str, message: str) -> None:
    found = problems_of(overrides)
    assert found[f"environments.prod.{field}"].startswith(message)


@pytest.mark.parametrize(
    ("environments", "field"),
    [("[prod]", "environments"), ("{ Prod: {} }", "environments.Prod"), ("{ prod: [1] }", "environments.prod")],
)
def test_environments_are_named_maps(environments: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"{BASE}environments: {environments}\n")
    assert [problem.field for problem in caught.value.problems] == [field]


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(
        NotFoundError, match=r"no environment 'prd' in slipway\.yaml \(did you mean 'prod'\?\); there is prod, local"
    ):
        merged("{}", "prd")


def test_a_merged_document_is_a_slipway_yaml_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "slipway.yaml"
    file.write_text(f"{BASE}environments: {{ local: {{ models: {{ large: null }} }}, prod: {{}} }}", encoding="utf-8")
    project = read_project(file)
    assert project.environments == ("local", "prod")
    assert "environments" not in project.document("local")
    assert load_local(file) == project.config("local")
    assert list(load_local(file).models) == ["small"]


def test_without_an_environment_local_the_embedded_aws_has_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "slipway.yaml"
    file.write_text(f"{BASE}environments: {{ prod: {{ models: {{ large: null }} }} }}", encoding="utf-8")
    assert list(load_local(file).models) == ["small", "large"]
