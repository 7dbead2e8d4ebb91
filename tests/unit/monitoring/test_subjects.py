"""The entity that a capture is about, and the sample of entities."""

import os

from slipway.monitoring.captures.subjects import Subject, drawn_by_subject, subject_of

USERS = [Subject("user", f"u{number}") for number in range(10_000)]
KEY = bytes(32)


def test_the_configured_entity_wins_over_the_first_one() -> None:
    named = {"airport": "JFK", "user": "u1"}
    assert subject_of(named, None) == ("airport", "JFK")
    assert subject_of(named, "user") == ("user", "u1")
    assert subject_of(named, "patient") is None
    assert subject_of({}, None) is None


def test_the_sample_of_entities_is_of_the_share_and_contains_every_smaller_one() -> None:
    draws = [drawn_by_subject(user, KEY) for user in USERS]
    assert draws == [drawn_by_subject(user, KEY) for user in USERS]
    assert 800 < sum(draw < 0.1 for draw in draws) < 1200
    assert all(0 <= draw < 1 for draw in draws)


def test_nobody_knows_who_is_captured_without_the_key() -> None:
    first, second = (
        {user for user in USERS if drawn_by_subject(user, key) < 0.1} for key in (os.urandom(32), os.urandom(32))
    )
    assert len(first & second) < len(first) / 4  # a tenth of them by chance


def test_an_entity_and_its_id_do_not_run_together() -> None:
    assert drawn_by_subject(Subject("a", "b#c"), KEY) != drawn_by_subject(Subject("ab", "c"), KEY)
