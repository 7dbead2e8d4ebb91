"""Which label the value of a file means, by one rule for imports and for gates."""

import pytest

from slipway.models.prediction.labels import find_label


@pytest.mark.parametrize(
    ("value", "labels", "expected"),
    [
        ("yes", ("no", "yes"), "yes"),
        ("Yes", ("no", "yes"), None),
        (True, ("False", "True"), "True"),
        ("true", ("False", "True"), "True"),
        (False, ("false", "true"), "false"),
        (1, ("0.0", "1.0"), "1.0"),
        ("1", ("0.0", "1.0"), "1.0"),
        (1.0, ("0", "1"), "1"),
        (2, ("0", "1"), None),
        (1, ("no", "yes"), None),
        ("nan", ("no", "yes"), None),
        (None, ("no", "yes"), None),
    ],
)
def test_a_value_means_at_most_one_label(value: object, labels: tuple[str, ...], expected: str | None) -> None:
    assert find_label(value, labels) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, "neg"), ("1", "pos"), (2, None), (-1, None), (0.5, None)])
def test_positions_count_where_labels_are_not_numbers(value: object, expected: str | None) -> None:
    assert find_label(value, ("neg", "pos"), by_number=True) == expected


def test_a_number_that_is_a_label_is_no_position() -> None:
    assert find_label(1, ("1", "0"), by_number=True) == "1"
