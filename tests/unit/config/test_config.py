"""The settings of heavy models in slipway.yaml, and the errors of invalid ones."""

import pytest

from slipway.config import parse_config
from slipway.errors import ConfigError


def config_of(model, rest=""):
    return parse_config(f"models:\n  small: {{ versions: [1], stable: 1 }}\n  large: {model}\n{rest}")


def heavy(rest="", network="{}"):
    model = f"{{ tier: heavy, versions: [1], stable: 1, {rest} }}"
    return config_of(model, f"network: {network}\n").models["large"]


def problem_of(model):
    with pytest.raises(ConfigError) as caught:
        config_of(model)
    (problem,) = caught.value.problems
    return problem.field, problem.message


def problem_of_heavy(section):
    return problem_of(f"{{ tier: heavy, versions: [1], stable: 1, heavy: {section} }}")


def test_the_models_are_told_apart_by_tier():
    config = config_of("{ tier: heavy, versions: [1], stable: 1 }")
    assert list(config.light_models) == ["small"]
    assert list(config.heavy_models) == ["large"]
    assert config.light_models["small"] is config.models["small"]


def test_a_heavy_model_needs_no_word_on_how_it_runs():
    found = heavy().heavy
    assert (found.compute, found.cpu, found.memory_mb, found.gpus) == ("fargate", 2, 4096, 0)
    assert (found.min_tasks, found.max_tasks) == (1, 4)
    measured = (found.sessions, found.threads, found.max_batch, found.max_wait_ms, found.queue)
    assert measured == (None,) * 5


def test_the_cache_is_on_for_heavy_models_unless_it_is_off():
    assert heavy().cache.enabled
    assert heavy("cache: { ttl_days: 3 }").cache.enabled
    assert not heavy("cache: { enabled: false }").cache.enabled
    assert not config_of("{ versions: [1], stable: 1 }").models["large"].cache.enabled


def test_a_heavy_model_takes_less_text_in_one_request():
    assert heavy().limits.characters == 36_864
    assert heavy("limits: { records: 3 }").limits.model_dump() == {"records": 3, "characters": 36_864}
    assert heavy("limits: { characters: 9 }").limits.characters == 9
    assert config_of("{ versions: [1], stable: 1 }").models["large"].limits.characters == 131_072


def test_heavy_is_not_for_light_models():
    field, message = problem_of("{ versions: [1], stable: 1, heavy: { min_tasks: 2 } }")
    assert field == "models.large"
    assert "the tier is light" in message


@pytest.mark.parametrize("section", ["cache", "limits"])
def test_a_section_that_is_none_is_named(section):
    field, message = problem_of(f"{{ tier: heavy, versions: [1], stable: 1, {section}: yes }}")
    assert (field, message) == (f"models.large.{section}", "must be an object (got true)")


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ("cpu: 2, memory_mb: 3000", "`cpu: 2` with `memory_mb: 4096`"),
        ("cpu: 3, memory_mb: 8192", "`cpu: 4` with `memory_mb: 8192`"),
        ("cpu: 1, memory_mb: 16384", "`cpu: 2` with `memory_mb: 16384`"),
        ("cpu: 8, memory_mb: 17000", "`cpu: 8` with `memory_mb: 16384`"),
        ("cpu: 64, memory_mb: 500000", "`cpu: 16` with `memory_mb: 122880`"),
        ("cpu: 0.1, memory_mb: 512", "`cpu: 0.25` with `memory_mb: 512`"),
    ],
)
def test_a_size_that_fargate_lacks_is_refused_with_the_nearest(size, nearest):
    field, message = problem_of_heavy(f"{{ {size} }}")
    assert field == "models.large.heavy"
    assert message.startswith("Fargate has no task of")
    assert message.endswith(f"the nearest is {nearest}")


@pytest.mark.parametrize("size", ["cpu: 0.25, memory_mb: 512", "cpu: 4, memory_mb: 30720", "cpu: 16, memory_mb: 32768"])
def test_a_size_that_fargate_has_is_taken(size):
    assert heavy(f"heavy: {{ {size} }}").heavy.compute == "fargate"


def test_fargate_has_no_gpus():
    field, message = problem_of_heavy("{ gpus: 1 }")
    assert field == "models.large.heavy"
    assert "Fargate has no GPUs" in message
    assert "`compute: gpu`" in message


def test_a_gpu_model_has_one_gpu_unless_it_has_more_and_any_size():
    nat = "{ nat_gateways: 1 }"
    assert heavy("heavy: { compute: gpu, cpu: 3, memory_mb: 14000 }", nat).heavy.gpus == 1
    assert heavy("heavy: { compute: gpu, gpus: 4 }", nat).heavy.gpus == 4
    _, message = problem_of_heavy("{ compute: gpu, gpus: 0 }")
    assert "`gpus` of at least 1" in message


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{ compute: gpu, architecture: arm64 }", "needs `architecture: x86_64`"),
        ("{ instance_types: ['g6.*'] }", "`instance_types` needs `compute: gpu`"),
        ("{ timeout_seconds: 20, stop_timeout_seconds: 10 }", "`stop_timeout_seconds: 10` is too short"),
        ("{ min_tasks: 3, max_tasks: 2 }", "`min_tasks: 3` is more than `max_tasks: 2`"),
    ],
)
def test_values_that_contradict_each_other_are_told(section, said):
    field, message = problem_of_heavy(section)
    assert field == "models.large.heavy"
    assert said in message


@pytest.mark.parametrize("wrong", ["timeout_seconds: 30", "stop_timeout_seconds: 121", "cores: 2", "max_batch: 0"])
def test_limits_name_the_value(wrong):
    field, _ = problem_of_heavy(f"{{ {wrong} }}")
    assert field == f"models.large.heavy.{wrong.partition(':')[0]}"


@pytest.mark.parametrize("network", ["", "network: { nat_gateways: 0 }\n"])
def test_gpu_instances_need_a_nat_gateway(network):
    with pytest.raises(ConfigError) as caught:
        config_of("{ tier: heavy, versions: [1], stable: 1, heavy: { compute: gpu } }", network)
    (problem,) = caught.value.problems
    assert problem.field == "network"
    assert problem.message.startswith("`nat_gateways: 0` leaves the GPU instances of large without")
    assert "`network: { nat_gateways: 1 }`" in problem.message


@pytest.mark.parametrize("project", ["aws", "aws-models", "awsome", "ssm-1"])
def test_a_project_whose_parameters_aws_refuses_is_refused(project):
    with pytest.raises(ConfigError) as caught:
        parse_config(f"project: {project}\nmodels: {{ small: {{ versions: [1], stable: 1 }} }}\n")
    (problem,) = caught.value.problems
    assert problem.field == "project"
    assert problem.message.startswith("must not begin with `aws` or `ssm`")


def test_a_project_may_have_those_letters_elsewhere():
    assert parse_config("project: my-aws\nmodels: { small: { versions: [1], stable: 1 } }\n").project == "my-aws"


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ("[use1-az4]", "two different zones"),
        ("[use1-az4, use1-az4]", "two different zones"),
        ("[use1-az3, use1-az4]", "cannot be in use1-az3"),
        ("[euw3-az1, euw3-az2]", "cannot be in euw3-az2"),
        ("[us-east-1a, us-east-1b]", "must match"),
    ],
)
def test_zones_without_vpc_links_are_refused(zones, said):
    with pytest.raises(ConfigError) as caught:
        config_of("{ versions: [1], stable: 1 }", f"network: {{ zone_ids: {zones} }}\n")
    assert caught.value.problems[0].field.startswith("network")
    assert said in caught.value.problems[0].message
