import pytest

from slipway.config import GatesConfig
from slipway.models.gates.rules import Figure, Measured, judge_package

FIGURES = (Figure("Balanced accuracy", 0.70, "val.tsv"), Figure("log loss", 0.8, "val.tsv"))
GOOD = Measured("version 2", FIGURES, size_bytes=3_000_000, agreement=0.9, latency_ms=0.22)
BEFORE = Measured("version 1", FIGURES, size_bytes=3_000_000, latency_ms=0.2)


def figures(recall: float = 0.70, loss: float = 0.8, data: str = "val.tsv") -> tuple[Figure, ...]:
    return Figure("macro_recall", recall, data), Figure("log_loss", loss, data)


def judge(gates: dict, measured: Measured = GOOD, previous: Measured | None = BEFORE):
    return judge_package(GatesConfig.model_validate(gates), measured, previous)


ALL = {
    "quality": [
        {"metric": "macro_recall", "min": 0.66, "max_drop": 0.005},
        {"metric": "log_loss", "max": 0.9, "max_drop": 0.02},
    ],
    "min_agreement": 0.85,
    "max_package_bytes": 4_000_000,
    "max_latency_ms": 0.3,
    "max_latency_ratio": 1.2,
}


def changed(**changes: object) -> Measured:
    return Measured(**{**{name: getattr(GOOD, name) for name in GOOD.__dataclass_fields__}, **changes})


def test_a_good_package_passes_every_gate():
    results = judge(ALL)
    assert [result.name for result in results] == [
        "macro_recall min",
        "macro_recall max_drop",
        "log_loss max",
        "log_loss max_drop",
        "agreement",
        "package bytes",
        "latency ms",
        "latency ratio",
    ]
    assert all(result.passed for result in results), results


@pytest.mark.parametrize(
    ("name", "measured", "by_how_much", "says"),
    [
        ("macro_recall min", changed(figures=figures(recall=0.652)), 0.008, "0.652; at least 0.66 is required"),
        ("macro_recall max_drop", changed(figures=figures(recall=0.688)), 0.007, "after 0.7, and the drop is 0.012"),
        ("log_loss max", changed(figures=figures(loss=1.0)), 0.1, "at most 0.9 is allowed: 0.1 too much"),
        ("log_loss max_drop", changed(figures=figures(loss=0.85)), 0.03, "at most 0.02 is allowed"),
        ("agreement", changed(agreement=0.80), 0.05, "the agreement with version 1 is 0.8; at least 0.85"),
        ("package bytes", changed(size_bytes=4_000_100), 100, "4,000,100; at most 4,000,000 is allowed: 100 too much"),
        ("latency ms", changed(latency_ms=0.36), 0.06, "0.36; at most 0.3 is allowed"),
        ("latency ratio", changed(latency_ms=0.25), 0.05, "against version 1's 0.2 ms is 1.25; at most 1.2"),
    ],
)
def test_each_gate_fails_by_how_much(name, measured, by_how_much, says):
    result = next(result for result in judge(ALL, measured) if result.name == name)
    assert not result.passed
    assert result.by_how_much == pytest.approx(by_how_much)
    assert says in result.sentence


def test_only_what_is_set_is_judged():
    assert judge({}) == []
    assert [result.name for result in judge({"max_package_bytes": 1})] == ["package bytes"]


def test_the_first_version_has_nothing_to_fall_behind():
    results = judge(ALL, previous=None)
    assert all(result.passed for result in results)
    compared = {result.name: result.sentence for result in results if result.measured is None}
    assert compared.keys() == {"macro_recall max_drop", "log_loss max_drop", "agreement", "latency ratio"}
    assert set(compared.values()) == {"there is no version before it to compare with"}


def test_what_was_not_measured_is_not_passed():
    nothing = Measured("version 2", (), size_bytes=1)
    failed = {result.name for result in judge(ALL, nothing) if not result.passed}
    assert failed == {"macro_recall", "log_loss", "agreement", "latency ms", "latency ratio"}


def test_a_drop_of_exactly_what_is_allowed_passes():
    results = judge({"quality": [{"metric": "macro_recall", "max_drop": 0.005}]}, changed(figures=figures(0.695)))
    assert results[0].passed


def test_a_better_version_has_the_whole_drop_as_its_margin():
    (result,) = judge({"quality": [{"metric": "macro_recall", "max_drop": 0.005}]}, changed(figures=figures(0.75)))
    assert (result.passed, result.measured, result.by_how_much) == (True, 0, 0.005)


ANY_DATA = {"quality": [{"metric": "macro_recall", "min": 0.5}]}


class TestWhichFigure:
    def test_without_a_name_the_only_data_there_is(self):
        assert judge(ANY_DATA)[0].passed

    def test_of_several_data_sets_one_must_be_named(self):
        two = changed(figures=(*figures(), *figures(0.4, data="other.tsv")))
        (result,) = judge(ANY_DATA, two)
        assert not result.passed
        assert "there is macro_recall on val.tsv" in result.sentence
        named = {"quality": [{"metric": "macro_recall", "min": 0.5, "data": "other.tsv"}]}
        assert judge(named, two)[0].measured == 0.4

    def test_the_labelled_data_comes_before_other_figures(self):
        both = changed(figures=(*figures(0.9, data="elsewhere"), *figures(0.4)), labelled="val.tsv")
        assert judge(ANY_DATA, both)[0].measured == 0.4

    def test_a_version_before_without_the_figure_cannot_be_compared_with(self):
        before = Measured("version 1", figures(data="old.tsv"), size_bytes=1)
        (result,) = judge({"quality": [{"metric": "macro_recall", "max_drop": 0.1}]}, previous=before)
        assert not result.passed
        assert result.sentence == "version 1 has no macro_recall on val.tsv to compare with"


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ({"metric": "macro_recall"}, "needs `min`, `max` or `max_drop`"),
        ({"metric": "log_loss", "min": 0.5}, "a lower log_loss is better"),
        ({"metric": "accuracy", "max": 0.5}, "a higher accuracy is better"),
        ({"metric": "accuracy", "max_drop": -0.1}, "greater than or equal to 0"),
        ({"metric": "accuracy", "min": float("nan")}, "finite"),
    ],
)
def test_a_gate_that_keeps_nothing_out_is_refused(gate, says):
    with pytest.raises(ValueError, match=says):
        GatesConfig.model_validate({"quality": [gate]})
