"""The bill of a deploy, from its templates."""

from collections import Counter
from collections.abc import Mapping

from slipway.cost.bill import Bill
from slipway.cost.catalogue import BY_USE, FREE, FUNCTION, METRICS
from slipway.cost.prices import Prices
from slipway.cost.requests import HEAVY, LIGHT, heavy_requests, light_requests
from slipway.cost.standing import IDLE, PRICED, PROVIDER, SCHEDULES, instance_of, scheduled, snapshots, tasks_of
from slipway.cost.templates import Resource, Template, Templates
from slipway.cost.training import run_providers, training_hours

_PARAMETER = "AWS::SSM::Parameter"


def estimate(templates: Mapping[str, Template], prices: Prices) -> Bill:
    """The bill of the stacks' templates, by name; each resource is in a line, free, charged by use, or not priced."""
    found = Templates.of(templates)
    requests = {LIGHT: tuple(light_requests(found, prices)), HEAVY: tuple(heavy_requests(found, prices))}
    return Bill(
        idle=tuple(line for pricer in IDLE for line in pricer(found, prices)),
        deploy=tuple(snapshots(found, prices)),
        requests={tier: lines for tier, lines in requests.items() if lines},
        by_use=_by_use(found),
        unpriced=dict(
            sorted(Counter(each.type for each in found.resources if _is_unpriced(each, found, prices)).items())
        ),
        training=tuple(training_hours(found, prices)),
    )


def _by_use(templates: Templates) -> dict[str, str]:
    types = {each.type for each in templates.resources}
    found = {type_: what for type_, what in BY_USE.items() if type_ in types}
    return {**found, "metrics": METRICS} if FUNCTION in types else found


def _is_unpriced(resource: Resource, templates: Templates, prices: Prices) -> bool:
    """Whether a resource may cost money and no line of the bill has it."""
    type_ = resource.type
    if type_ == "AWS::ECS::Service":
        return not any(tasks_of(resource, templates, prices))
    if type_ == PROVIDER:
        return resource in run_providers(templates) and instance_of(resource, prices) is None
    if type_ in SCHEDULES:  # a rule without a schedule matches events of AWS, which are free
        return "ScheduleExpression" in resource.properties and scheduled(resource, templates) is None
    if type_ == _PARAMETER:
        return bool(resource.properties.get("Tier", "Standard") != "Standard")
    return type_ not in FREE and type_ not in BY_USE and type_ not in PRICED
