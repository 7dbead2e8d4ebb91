"""Look-ups of the definitions; the stores' behaviour suite covers refusals."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType, parse_config
from slipway.errors import InputError, NotFoundError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureWrite

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEFINITIONS = FeatureDefinitions(
    parse_config(
        """
        models: { any: { versions: [1], stable: 1 } }
        features:
          profile:
            entity: user
            features: { visits: { type: integer, default: 0 }, member: { type: boolean, default: false } }
          clicks: { entity: user, ttl_days: 0.5, features: { clicks: { type: integer } } }
          stock: { entity: item, features: { price: { type: float } } }
        """
    ).features
)


def test_defaults_are_the_features_that_have_one() -> None:
    assert DEFINITIONS.defaults("profile") == {"visits": 0, "member": False}
    assert DEFINITIONS.defaults("stock") == {}
    with pytest.raises(NotFoundError, match="no feature group 'nope'; there is profile, clicks, stock"):
        DEFINITIONS.defaults("nope")


def test_groups_know_their_entity_and_entities_their_groups() -> None:
    assert DEFINITIONS.entities == {"profile": "user", "clicks": "user", "stock": "item"}
    assert DEFINITIONS.groups_of("user") == ("profile", "clicks")
    with pytest.raises(NotFoundError, match=r"no entity 'usr' .did you mean 'user'\?.; there is user, item"):
        DEFINITIONS.groups_of("usr")


def test_expiry_counts_from_the_event() -> None:
    event_time = NOW - timedelta(hours=1)
    accepted = DEFINITIONS.accept(FeatureWrite(FeatureKey("user", "u1", "clicks"), {"clicks": 1}, event_time), NOW)
    assert accepted.expires_at == int((event_time + timedelta(hours=12)).timestamp())
    assert accepted.event_milliseconds == int(event_time.timestamp() * 1000)
    assert accepted.text == '{"clicks":1}'


def test_no_row_expires_before_its_time() -> None:
    feature = FeatureConfig(type=FeatureType.INTEGER)
    group = FeatureGroupConfig(entity="user", ttl_days=0.9 / 86_400, features={"n": feature})
    definitions = FeatureDefinitions({"short": group})
    accepted = definitions.accept(FeatureWrite(FeatureKey("user", "u1", "short"), {"n": 1}, NOW), NOW)
    assert accepted.expires_at == int(NOW.timestamp()) + 1


def test_integers_given_for_floats_are_stored_as_floats() -> None:
    accepted = DEFINITIONS.accept(FeatureWrite(FeatureKey("item", "i1", "stock"), {"price": 3}, NOW), NOW)
    assert accepted.text == '{"price":3.0}'


def test_a_time_is_compared_with_any_clock() -> None:
    write = FeatureWrite(FeatureKey("user", "u1", "profile"), {"visits": 1}, datetime.max.replace(tzinfo=UTC))
    assert DEFINITIONS.accept(write, write.event_time).values == {"visits": 1}
    with pytest.raises(InputError, match="in the future"):
        DEFINITIONS.accept(write, NOW)
