"""Who a caller is, for sharing a queue: a token's subject, an IAM user or role, or an address."""

import re
from functools import lru_cache
from ipaddress import ip_network

# One role is one caller, however many sessions it has: whoever assumes a role chooses the session's name.
_SESSION = re.compile(r"(arn:[^:]+:sts::\d+:assumed-role/[^/]+)/.+")
_NOBODY = ("", "-")
_IPV6_PREFIX = 64
"""One network of IPv6, whose hosts choose the rest of their addresses."""


@lru_cache(maxsize=1024)
def caller_of(header: str) -> str:
    """The caller that the value of `slipway.config.api.CALLER_HEADER` names; empty if there is none."""
    address, _, identity = header.strip().partition(" ")
    if identity not in _NOBODY:
        found = _SESSION.fullmatch(identity)
        return found[1] if found else identity
    return _network(address)


def _network(address: str) -> str:
    """The address, or its network if it is of IPv6."""
    if ":" not in address:
        return "" if address in _NOBODY else address
    try:
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    except ValueError:
        return address
