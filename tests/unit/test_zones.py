"""The choice of zones that a VPC link can be in."""

import pytest

from slipway.config.deployment.zones import (
    VPC_LINK_ZONES,
    choose_zones,
    missing_zones,
    usable_zones,
    without_vpc_links,
)


@pytest.mark.parametrize("region", VPC_LINK_ZONES)
def test_every_region_has_two_zones_of_its_own(region):
    first, second = choose_zones(region)
    assert first != second
    assert not without_vpc_links([first, second])
    prefixes = {zone.partition("-")[0] for zone in VPC_LINK_ZONES[region]}
    assert len(prefixes) == 1
    assert prefixes.isdisjoint(
        zone.partition("-")[0] for other, zones in VPC_LINK_ZONES.items() if other != region for zone in zones
    )


def test_zones_without_vpc_links_are_known_where_aws_lists_the_region():
    zones = ["use1-az3", "use1-az4", "euw3-az2", "apne1-az3", "usw1-az2", "cac1-az4", "mxc1-az1"]
    assert without_vpc_links(zones) == ("use1-az3", "euw3-az2", "apne1-az3", "usw1-az2", "cac1-az4")


def test_a_project_may_choose_others():
    assert choose_zones("us-east-1", ("use1-az5", "use1-az6")) == ("use1-az5", "use1-az6")
    assert choose_zones("us-east-1") == ("use1-az1", "use1-az2")
    assert choose_zones("mx-central-1") == ()


def test_zones_that_an_account_lacks_are_told_with_those_it_has():
    available = {"usw1-az2", "usw1-az3", "use1-az1"}
    assert missing_zones("us-west-1", available) == ("usw1-az1",)
    assert usable_zones("us-west-1", available) == ("usw1-az3",)
    assert missing_zones("us-east-1", available, ("use1-az1", "use1-az6")) == ("use1-az6",)
