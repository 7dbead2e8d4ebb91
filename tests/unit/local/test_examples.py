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
