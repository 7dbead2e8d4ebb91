"""The shipped price table, and the errors of invalid ones."""

from datetime import date
from pathlib import Path

import pytest
from support.advised import TABLE

from slipway.errors import ConfigError, NotFoundError
from slipway.models.advice.prices import load_prices


def test_an_unknown_region_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="no region 'mars-1' in the price table; there is us-east-1, us-west-2"):
        TABLE.of("mars-1")


def test_the_shipped_table_is_dated_and_names_its_sources() -> None:
    assert TABLE.as_of >= date(2026, 1, 1)
    assert all(source.startswith("https://aws.amazon.com/") for source in TABLE.sources.values())
    assert {"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"} == set(TABLE.regions)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lcu_hour: 0.008", "lcu_hour: -1", r"regions.us-east-1.lcu_hour: must be at least 0"),
        ("up_to: 300, price: 1.00", "price: 1.00", "every tier but the last needs an `up_to`"),
        ("g4dn.xlarge: 0.526", "p9.huge: 0.526", "prices p9.huge, which `gpu_instances` lacks"),
        ("regions:", "regions: [", "not YAML"),
    ],
)
def test_a_wrong_price_table_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    shipped = Path("slipway/models/advice/prices.yaml").read_text(encoding="utf-8")
    path = tmp_path / "prices.yaml"
    path.write_text(shipped.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_prices(path)


def test_a_missing_price_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_prices(tmp_path / "none.yaml")
