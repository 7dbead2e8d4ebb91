"""The figures of outcomes, and what makes a run fail."""

from dataclasses import replace

import pytest

from benchmarks.load.findings import Bounds, Findings, by_kind, judged, processor_by_kind
from benchmarks.load.growth import MIB, Sample
from benchmarks.load.outcomes import Outcome, figures, moved_keys, percentile
from benchmarks.load.processes import Watched
from benchmarks.load.report import as_json, lines


def outcome(kind: str = "tweet", status: int = 200, *, expected: bool = True, seconds: float = 0.01) -> Outcome:
    return Outcome(kind, 0.0, seconds, status, expected=expected)


def watched(name: str, *, growth: float = 0.0, processor: float = 0.0, started: float = -1.0) -> Watched:
    """A process of ten minutes that grows by so many MiB a minute and uses so much processor time."""
    each = [
        Sample(at, int((100 + growth * at / 60) * MIB), 5.0 + processor * at / 600)
        for at in map(float, range(0, 601, 3))
    ]
    return Watched(name, 7, started, each)


def findings(*outcomes: Outcome, processes: tuple[Watched, ...] = (), **changes: object) -> Findings:
    kinds = by_kind(outcomes, 600.0)
    found = judged(processes, 0.0, len(outcomes) / 600.0, Bounds(growth=1.0, stored=8.0))
    made = Findings(600.0, kinds, processor_by_kind(kinds, found), 0, found, {}, [], [], "promoted", released=True)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_expected_refusals_are_counted_apart_from_unexpected_ones() -> None:
    found = figures(
        [outcome(), outcome(status=422), outcome(status=422, expected=False), outcome(status=503, expected=False)], 2.0
    )

    assert (found.requests, found.per_second, found.refused, found.unexpected) == (4, 2.0, 1, 2)
    assert found.statuses == {200: 1, 422: 2, 503: 1}


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (95, 95), (99, 99), (100, 100), (1, 1)])
def test_percentiles_are_values_of_the_sample(percent: float, value: int) -> None:
    assert percentile(range(1, 101), percent) == value


def test_a_single_outcome_is_every_percentile() -> None:
    found = figures([outcome(seconds=0.5)], 1.0)

    assert (found.p50, found.p99, found.longest) == (500, 500, 500)


def test_a_held_load_has_no_problems() -> None:
    held = findings(outcome(), outcome("mistake", 404), processes=(watched("front door", growth=0.5),))

    assert held.problems == []
    assert list(lines(held))[-1] == "Held."


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (findings(outcome(status=500, expected=False)), "1 unexpected answers"),
        (findings(outcome(status=0, expected=False)), "1 unexpected answers"),
        (findings(outcome(), moved=["key 1"]), "1 sticky values were answered by two versions"),
        (findings(outcome(), log_errors=["a traceback"]), "1 errors in the logs"),
        (findings(outcome(), release="rolled-back", released=False), "the canary ended as rolled-back"),
        (
            findings(outcome(), processes=(watched("function Predict", growth=1.5),)),
            "function Predict (7) grows by 1.50 MiB a minute, more than 1.00",
        ),
    ],
)
def test_each_problem_fails_the_run_and_is_printed(changed: Findings, problem: str) -> None:
    assert changed.problems == [problem]
    assert list(lines(changed))[-1] == f"Not held: {problem}."
    assert '"held": false' in as_json(changed, {})


def test_idle_processes_of_a_name_share_a_line_that_shows_the_worst_of_them() -> None:
    idle = (watched("function Captures"), watched("function Captures", growth=2.0))
    printed = list(lines(findings(outcome(), processes=(watched("function Captures", processor=9.0), *idle))))
    found = [line for line in printed if line.startswith("function Captures")]

    assert len(found) == 2
    assert "steady" in found[0]
    assert found[1].startswith("function Captures, 2 idle")
    assert "+2.00" in found[1]
    assert found[1].endswith("grows")


def test_the_client_is_no_part_of_what_is_judged() -> None:
    assert findings(outcome(), processes=(watched("client", growth=5.0),)).problems == []


def test_the_emulator_may_grow_by_what_it_stores() -> None:
    bounds = Bounds(growth=1.0, stored=8.0)

    assert bounds.of("emulator", 10.0) == pytest.approx(1.0 + 8 * 600 / 1024)
    assert bounds.of("front door", 10.0) == 1.0


def test_processor_time_is_shared_by_the_kinds_that_a_process_answers() -> None:
    processes = (
        watched("function Predict", processor=6.0),
        watched("function Predict", processor=3.0, started=10.0),
        watched("task tweet-sentiment-large blue", processor=3.0),
        watched("client", processor=60.0),
    )
    found = findings(outcome("tweet"), outcome("flight"), outcome("heavy tweet, new"), processes=processes).processor_ms

    # What the second process used before its first sample counts, because it started during the run.
    assert found == pytest.approx(
        {"tweet": 7000.0, "flight": 7000.0, "heavy tweet, new": 3000.0, "all": (6 + 8 + 3) * 1000 / 3}
    )


def test_a_sticky_value_that_two_versions_answer_has_moved() -> None:
    def said(key: str, at: float, version: int) -> Outcome:
        return replace(outcome(), key=key, at=at, versions=(version,))

    outcomes = [said("a", 10, 1), said("a", 20, 2), said("b", 10, 1), said("b", 15, 1), said("b", 30, 2)]

    assert moved_keys(outcomes, 5, 25) == ["a"]
    assert moved_keys(outcomes, 5, 40) == ["a", "b"]
