"""`batch:` of slipway.yaml."""

import pytest

from slipway.config.project import parse_config
from slipway.errors import ConfigError

TEXT = """
models: {{m: {{versions: [1], stable: 1}}}}
batch: {{{batch}}}
"""
NIGHTLY = "nightly: {model: m, input: 's3://coming/x/{date}/', output: 's3://going/y/{date}/', cron: '0 3 * * ? *'}"


def test_batch_is_there_by_default() -> None:
    batch = parse_config(TEXT.format(batch="")).batch
    assert (batch.enabled, batch.concurrency, batch.spot) == (True, 10, False)


def test_schedules_and_lists_say_what_jobs_may_read_and_write() -> None:
    text = f"inputs: ['s3://raw/'], outputs: ['s3://done/'], schedules: {{{NIGHTLY}}}"
    batch = parse_config(TEXT.format(batch=text)).batch
    assert batch.readable == ("s3://raw/", "s3://coming/x/")
    assert batch.writable == ("s3://done/", "s3://going/y/")


def test_a_schedule_precomputes_answers_that_the_api_looks_for() -> None:
    text = TEXT.replace("stable: 1", "stable: 1, cache: {{precomputed: user}}")
    asked = NIGHTLY.replace("model: m", "model: m, features: store, precompute: user, ttl_hours: 30")
    schedule = parse_config(text.format(batch=f"schedules: {{{asked}}}")).batch.schedules["nightly"]
    assert (schedule.features, schedule.precompute, schedule.ttl_hours) == ("store", "user", 30)


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        ("concurrency: 0", "batch.concurrency"),
        ("inputs: [folder]", "batch.inputs[0]"),
        ("outputs: ['s3://*/x']", "batch.outputs[0]"),
        (f"schedules: {{{NIGHTLY.replace('0 3 * * ? *', '0 3 * * *')}}}", "batch.schedules.nightly.cron"),
        (f"schedules: {{{NIGHTLY.replace('y/{date}/', 'y/')}}}", "batch.schedules.nightly"),
        (f"schedules: {{{NIGHTLY.replace('model: m', 'model: n')}}}", "batch"),
        (f"schedules: {{{NIGHTLY.replace('model: m', 'model: m, time_column: at')}}}", "batch.schedules.nightly"),
        (f"schedules: {{{NIGHTLY.replace('model: m', 'model: m, ttl_hours: 3')}}}", "batch.schedules.nightly"),
        (f"schedules: {{{NIGHTLY.replace('model: m', 'model: m, precompute: user')}}}", "batch"),
    ],
)
def test_what_cannot_be_is_refused_by_name(batch: str, field: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(TEXT.format(batch=batch))
    assert [problem.field for problem in error.value.problems] == [field]
