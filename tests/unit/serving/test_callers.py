"""Who a caller is, by the header that API Gateway writes."""

import pytest

from slipway.serving.prediction.callers import caller_of

ROLE = "arn:aws:sts::123456789012:assumed-role/shop"


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        ("", ""),
        (" ", ""),
        ("-", ""),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7 -", "203.0.113.7"),
        ("203.0.113.7 ann", "ann"),
        ("203.0.113.7 ann of sales", "ann of sales"),
        ("203.0.113.7 arn:aws:iam::123456789012:user/team/ann", "arn:aws:iam::123456789012:user/team/ann"),
        (f"203.0.113.7 {ROLE}/i-0123", ROLE),
        (
            "203.0.113.7 arn:aws-cn:sts::123456789012:assumed-role/shop/x",
            "arn:aws-cn:sts::123456789012:assumed-role/shop",
        ),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_the_caller_is_an_identity_or_else_an_address(header: str, caller: str) -> None:
    assert caller_of(header) == caller


def test_sessions_of_one_role_and_hosts_of_one_network_are_one_caller() -> None:
    assert caller_of(f"192.0.2.1 {ROLE}/one") == caller_of(f"192.0.2.2 {ROLE}/two")
    assert caller_of("2001:db8::1") == caller_of("2001:db8::2") != caller_of("2001:db8:0:1::1")
