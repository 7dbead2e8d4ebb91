import pytest

from slipway.wording import counted


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (1.0, "1 minute"),
        (2, "2 minutes"),
        (0.5, "0.5 minutes"),
        (1234567, "1,234,567 minutes"),
    ],
)
def test_a_noun_agrees_with_its_number(number: float, text: str) -> None:
    assert counted(number, "minute") == text
