"""The availability zones that an HTTP API's VPC link can be in, by zone id, and the choice of two of them.

A zone's letter (`us-east-1a`) means another zone in each account; its id (`use1-az1`) means the same one in all.
"""

import re
from collections.abc import Collection, Mapping, Sequence

ZONE_ID_PATTERN = r"^[a-z]+[0-9]+-az[0-9]+$"
ZONES = 2
"""How many zones the heavy tier is in."""

VPC_LINK_ZONES: Mapping[str, tuple[str, ...]] = {
    "ap-east-1": ("ape1-az2", "ape1-az3"),
    "ap-northeast-1": ("apne1-az1", "apne1-az2", "apne1-az4"),
    "ap-northeast-2": ("apne2-az1", "apne2-az2", "apne2-az3"),
    "ap-south-1": ("aps1-az1", "aps1-az2", "aps1-az3"),
    "ap-southeast-1": ("apse1-az1", "apse1-az2", "apse1-az3"),
    "ap-southeast-2": ("apse2-az1", "apse2-az2", "apse2-az3"),
    "ca-central-1": ("cac1-az1", "cac1-az2"),
    "eu-central-1": ("euc1-az1", "euc1-az2", "euc1-az3"),
    "eu-north-1": ("eun1-az1", "eun1-az2", "eun1-az3"),
    "eu-south-2": ("eus2-az1", "eus2-az2", "eus2-az3"),
    "eu-west-1": ("euw1-az1", "euw1-az2", "euw1-az3"),
    "eu-west-2": ("euw2-az1", "euw2-az2", "euw2-az3"),
    "eu-west-3": ("euw3-az1", "euw3-az3"),
    "me-south-1": ("mes1-az1", "mes1-az2", "mes1-az3"),
    "sa-east-1": ("sae1-az1", "sae1-az2", "sae1-az3"),
    "us-east-1": ("use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"),
    "us-east-2": ("use2-az1", "use2-az2", "use2-az3"),
    "us-gov-west-1": ("usgw1-az1", "usgw1-az2", "usgw1-az3"),
    "us-west-1": ("usw1-az1", "usw1-az3"),
    "us-west-2": ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"),
}
"""The zones of each region with VPC links, as AWS lists them (read in 2026-11):
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vpc-links.html#http-api-vpc-link-availability
"""


def choose_zones(region: str, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids of the zones that the heavy tier is in: ``wanted``, else the first two with VPC links.

    Empty for a region of which AWS lists no such zones.
    """
    return tuple(wanted) or VPC_LINK_ZONES.get(region, ())[:ZONES]


def without_vpc_links(zones: Collection[str]) -> tuple[str, ...]:
    """The zones that are known to have no VPC links; those of regions that AWS does not list are unknown."""
    regions = {_prefix(zone): known for known in VPC_LINK_ZONES.values() for zone in known}
    return tuple(zone for zone in zones if _prefix(zone) in regions and zone not in regions[_prefix(zone)])


def missing_zones(region: str, available: Collection[str], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The chosen zones that an account lacks; ``available`` are the ids of its zones in the region."""
    return tuple(zone for zone in choose_zones(region, wanted) if zone not in available)


def usable_zones(region: str, available: Collection[str]) -> tuple[str, ...]:
    """The zones of an account that have VPC links, for a message on what to write instead."""
    return tuple(zone for zone in VPC_LINK_ZONES.get(region, ()) if zone in available)


def _prefix(zone: str) -> str:
    """The part of a zone's id that its region shares: `use1` of `use1-az3`."""
    return re.sub(r"-az[0-9]+$", "", zone)
