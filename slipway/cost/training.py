"""What an hour of training on a GPU costs; between runs there is no instance, and nothing to pay for."""

from collections.abc import Iterator
from decimal import Decimal

from slipway.cost.bill import HOURS_A_MONTH, Line
from slipway.cost.prices import Prices
from slipway.cost.standing import PROVIDER, instance_of
from slipway.cost.templates import Resource, Templates


def training_hours(templates: Templates, prices: Prices) -> Iterator[Line]:
    """The instances that only tasks of training run on: for each model one for an hour, with its volume and address."""
    for provider in run_providers(templates):
        if (instance := instance_of(provider, prices)) is None:
            continue
        name = f"Training {provider.id.rpartition('GpusProvider')[0]}"
        launch = provider.properties["ManagedInstancesProvider"]["InstanceLaunchTemplate"]
        spot = ", on demand; Spot costs less" if launch.get("CapacityOptionType") == "SPOT" else ""
        gigabytes, hour = prices.assumptions.gpu_volume_gb, Decimal(1)
        yield Line(f"{name}: instance", 1, f"{instance.name}{spot}", hour, "hours", instance.hour)
        share = gigabytes / HOURS_A_MONTH
        yield Line(f"{name}: volume", 1, f"{gigabytes} GB, assumed", share, "GB-months", prices["volume_gb_month"])
        yield Line(f"{name}: public address", 1, "", hour, "hours", prices["public_address_hour"])


def run_providers(templates: Templates) -> list[Resource]:
    """The capacity providers that no service runs on, so that they have instances only while a task runs."""
    services = templates.of_type("AWS::ECS::Service")
    standing = [templates.referred(each, each.properties.get("CapacityProviderStrategy")) for each in services]
    return [each for each in templates.of_type(PROVIDER) if each not in standing]
