"""The user's own metrics become tallies, except where a value cannot be counted."""

from datetime import timedelta
from typing import Any

import pytest
from support.releases.records import NOW, make_release

from slipway.config.releases.guardrails import GuardrailMetric
from slipway.config.releases.options import Canary, JudgeConfig, Options, Shadow
from slipway.releases.evidence.guardrails import guardrail_queries, guardrail_tallies, refused_values
from slipway.releases.evidence.queries import Query
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.judge import Finding
from slipway.releases.strategies.analysis import base_questions
from slipway.releases.strategies.decide import decide

KEY = "metric:declined"


def record(options: Options | None = None, **changes: Any) -> ReleaseRecord:
    own = {"namespace": "Shop", "metric": "Declined", "dimensions": {"V": "{version}"}, "margin": 0.01, **changes}
    judge = JudgeConfig(metrics={"declined": GuardrailMetric.model_validate(own)})
    return make_release(options=options or Canary(), judge=judge)


def found(**statistics: float) -> dict[Query, float]:
    names = {"n": "SampleCount", "sum": "Sum", "over": "TC(2.5:)", "least": "Minimum", "most": "Maximum"}
    return {Query(2, "Declined", names[name], guardrail="declined"): value for name, value in statistics.items()}


def test_a_mean_is_of_the_number_and_the_sum() -> None:
    values = found(n=10, sum=2.5, least=0, most=1)
    assert set(values) == set(guardrail_queries(record(), 2))
    assert guardrail_tallies(record(), 2, values) == {KEY: Tally(10, 2.5)}
    assert refused_values(record(), 2, values) == {}


def test_with_a_limit_the_values_over_it_are_counted() -> None:
    limited = record(limit=2.5)
    values = found(n=10, over=4, least=0, most=900)
    assert set(values) == set(guardrail_queries(limited, 2))
    assert guardrail_tallies(limited, 2, values) == {KEY: Tally(10, 4)}
    assert refused_values(limited, 2, values) == {}


@pytest.mark.parametrize(
    ("changes", "values", "shown"),
    [
        ({}, found(n=10, sum=3, least=0, most=1.5), "a value is 1.5, and a mean needs values from 0 to 1"),
        ({}, found(n=10, sum=3, least=-0.5, most=1), "a value is -0.5, and a mean needs values from 0 to 1"),
        ({"limit": 2.5}, found(n=10, over=3, least=-2, most=9), "a value is -2, and CloudWatch counts no values over"),
    ],
)
def test_values_that_cannot_be_counted_are_refused(
    changes: dict[str, Any], values: dict[Query, float], shown: str
) -> None:
    asked = record(**changes)
    assert guardrail_tallies(asked, 2, values) == {}
    (what, why), *others = refused_values(asked, 2, values).items()
    assert (what, others) == ("declined of version 2 does not count", [])
    assert why.startswith(shown)


@pytest.mark.parametrize("asked", [record(Shadow()), record(enabled=False)], ids=["shadow", "disabled"])
def test_it_is_not_asked_of_shadows_or_where_it_is_off(asked: ReleaseRecord) -> None:
    assert list(guardrail_queries(asked, 2)) == []
    assert "declined" not in base_questions(asked).metrics


def test_it_has_a_share_of_the_error_probability_of_its_own() -> None:
    asked, without = base_questions(record()), base_questions(make_release())
    assert asked.metrics == (*without.metrics, "declined")
    assert asked.alpha * len(asked.metrics) == pytest.approx(without.alpha * len(without.metrics))
    assert base_questions(record(proven=True)).proven[-1] == len(asked.rows) - 1


@pytest.mark.parametrize(("bad", "subject", "mean"), [("high", "declined", 30), ("low", "declined not reached", 70)])
def test_either_end_can_be_bad(bad: str, subject: str, mean: int) -> None:
    row = base_questions(record(bad=bad)).rows[-1]
    n, total = row.counted(Tally(10, 3))
    finding = Finding(row, n, total / n, n, 0.1, 9.0, 0.0, worse=True, fine=False)
    assert finding.sentence.startswith(f"{subject}: {mean} % of 10 against 10 % of 10, worse than allowed")


def test_a_refusal_is_noted_once() -> None:
    refused = {"declined of version 2 does not count": "a value is 1.5"}
    running = record().model_copy(update={"phase": Phase.RUNNING, "shares": (0.05,), "judged_until": NOW})
    for minute in range(3):
        start, end = (NOW + timedelta(minutes=minute + each) for each in (0, 1))
        window = Window(start, end, {}, refused=refused)
        running = decide(running, Evidence(Observed({2: Readiness.READY}), (window,)), end).record
    entries = [entry for entry in running.history if entry.what in refused]
    assert [entry.evidence[0] for entry in entries] == ["a value is 1.5"]
