from pathlib import Path

import pytest

from local.environment.examples import seed

CONFIG = "models:\n  m:\n    versions: [1]\n    stable: 1\n"
JWT = "api:\n  authorization: jwt\n  jwt: {issuer: https://i, audience: [a]}\n"
GROUPS = "features:\n  vitals:\n    entity: patient\n    features:\n      pulse: {type: float}\n"
NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("config", "examples"),
    [
        (CONFIG + GROUPS, None),
        (CONFIG + GROUPS + JWT, "patient,pulse\np1,70\n"),
        (CONFIG, "patient,pulse\np1,70\n"),
        (CONFIG + GROUPS, "patient,temperature\np1,37\n"),
    ],
    ids=["no examples", "a token is needed", "no features", "other features"],
)
def test_where_the_examples_do_not_fit_nothing_is_written(tmp_path: Path, config: str, examples: str | None) -> None:
    (tmp_path / "slipway.yaml").write_text(config, encoding="utf-8")
    if examples is not None:
        (tmp_path / "examples").mkdir()
        (tmp_path / "examples/patients.csv").write_text(examples, encoding="utf-8")

    assert seed(tmp_path, NOWHERE) == 0


def test_patients_and_weather_are_written_and_a_file_of_unknown_features_is_left_out(
    tmp_path: Path, sent_rows: list[dict[str, object]]
) -> None:
    weather = "  weather:\n    entity: airport\n    ttl_days: 0.08334\n    features:\n      wind: {type: float}\n"
    (tmp_path / "slipway.yaml").write_text(CONFIG + GROUPS.replace("pulse", "heart") + weather, encoding="utf-8")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/patients.csv").write_text("patient,pulse\np1,70\n", encoding="utf-8")
    (tmp_path / "examples/weather.csv").write_text("airport,wind\nJFK,9.5\nLGA,\n", encoding="utf-8")

    seed(tmp_path, NOWHERE)

    assert ("JFK", {"wind": 9.5}) in [(row["id"], row["values"]) for row in sent_rows]
    assert {row["entity"] for row in sent_rows} == {"airport"}


@pytest.fixture
def sent_rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The rows that the API is sent."""
    sent: list[dict[str, object]] = []

    def send(_: str, rows: list[dict[str, object]]) -> int:
        sent.extend(rows)
        return len(rows)

    monkeypatch.setattr("local.environment.examples._send", send)
    return sent
