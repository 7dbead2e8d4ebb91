"""What resources cost by standing there, whether anybody calls or not."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fnmatch import fnmatch

from slipway.cost.bill import HOURS_A_MONTH, Line
from slipway.cost.prices import GpuInstance, Prices
from slipway.cost.templates import Resource, Templates

SCHEDULES = ("AWS::Events::Rule", "AWS::Scheduler::Schedule")
PROVIDER = "AWS::ECS::CapacityProvider"
_SECONDS_A_DAY = 86_400
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_GB = Decimal(10**9)
_MILLION = Decimal(10**6)
_X86_OVER_ARM = Decimal("1.25")  # Fargate's arm64 prices are 20 % below those of x86
_Pricer = Callable[[Templates, Prices], Iterator[Line]]


def alarms(templates: Templates, prices: Prices) -> Iterator[Line]:
    """Alarms are charged by the metrics that they watch."""
    found = templates.of_type("AWS::CloudWatch::Alarm")
    metrics = sum(_metrics_of(alarm) for alarm in found)
    free = prices.free.alarm_metrics
    if found:
        how = f"{len(found)} alarms on {metrics} metrics"
        yield Line("Alarms", len(found), how, Decimal(metrics), "metrics", prices["alarm_metric_month"], free)
    if composite := templates.of_type("AWS::CloudWatch::CompositeAlarm"):
        count = len(composite)
        yield Line("Composite alarms", count, "", Decimal(count), "alarms", prices["composite_alarm_month"])


def _metrics_of(alarm: Resource) -> int:
    queries = alarm.properties.get("Metrics")
    return 1 if queries is None else sum("MetricStat" in query for query in queries)


def dashboards(templates: Templates, prices: Prices) -> Iterator[Line]:
    """Custom dashboards, of which an account has some free."""
    if found := len(templates.of_type("AWS::CloudWatch::Dashboard")):
        free = prices.free.dashboards
        yield Line("Dashboards", found, "", Decimal(found), "dashboards", prices["dashboard_month"], free)


def schedules(templates: Templates, prices: Prices) -> Iterator[Line]:
    """The calls of functions by the clock: requests, duration, log lines and reads of a table."""
    calls: Counter[tuple[str, str]] = Counter()
    for rule in templates.of_type(*SCHEDULES):
        if found := scheduled(rule, templates):
            calls[found.stack, found.id] += calls_a_month(rule)
    for function in templates.of_type("AWS::Lambda::Function"):
        if count := calls[function.stack, function.id]:
            yield from _calls(function, count, prices)


def scheduled(rule: Resource, templates: Templates) -> Resource | None:
    """The function that a schedule calls; None if it is not a rate, or does not call a function."""
    return _called(templates, rule) if calls_a_month(rule) else None


def _calls(function: Resource, calls: int, prices: Prices) -> Iterator[Line]:
    given = prices.assumptions
    memory = _memory(function)
    how, name = f"{calls:,} calls of {_name(function)}", f"Scheduled {_name(function)}"
    seconds = calls * given.scheduled_call_ms / 1000 * memory
    timed = f"{how} × {given.scheduled_call_ms} ms × {memory:.4g} GB, assumed"
    logged = f"{how} × {given.scheduled_call_log_bytes} B, assumed"
    volume = calls * given.scheduled_call_log_bytes / _GB
    reads = calls * given.scheduled_call_reads / _MILLION
    read = f"{how} × {given.scheduled_call_reads} units, assumed"
    yield Line(f"{name}: calls", 1, how, calls / _MILLION, "million", prices["lambda_million_requests"])
    yield Line(f"{name}: duration", 1, timed, seconds, "GB-s", prices["lambda_gb_second"])
    yield Line(f"{name}: logs", 1, logged, volume, "GB", prices["logs_gb"])
    yield Line(f"{name}: reads", 1, read, reads, "million", prices["dynamodb_million_reads"])


def _memory(function: Resource) -> Decimal:
    return Decimal(function.properties.get("MemorySize", 128)) / 1024


def calls_a_month(rule: Resource) -> int:
    """How often a rate calls its target; 0 if the rule is not a rate."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", str(rule.properties.get("ScheduleExpression", "")))
    if found is None:
        return 0
    return HOURS_A_MONTH * 60 // (int(found[1]) * _MINUTES[found[2]])


def _called(templates: Templates, rule: Resource) -> Resource | None:
    """The function that a rule calls, itself or by an alias or version."""
    found = templates.referred(rule, rule.properties.get("Targets", rule.properties.get("Target")))
    while found is not None and found.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        found = templates.referred(found, found.properties.get("FunctionName"))
    return found if found is not None and found.type == "AWS::Lambda::Function" else None


def _name(function: Resource) -> str:
    """`controller`, from a handler `functions.controller.handler.handler`."""
    parts = str(function.properties.get("Handler", "")).split(".")
    return parts[1] if len(parts) > 2 else function.id


def snapshots(templates: Templates, prices: Prices) -> Iterator[Line]:
    """SnapStart's snapshots that nothing calls, charged until they have been unused for some days after a deploy."""
    days = prices.assumptions.snapshot_days
    unused = [each for each in _snapped(templates) if each not in _kept(templates)]
    yield from _snapshots(unused, days, f"{days} days, unless used for longer", prices)


def kept_snapshots(templates: Templates, prices: Prices) -> Iterator[Line]:
    """SnapStart's snapshots of functions that a schedule calls, charged all the time."""
    kept = [each for each in _snapped(templates) if each in _kept(templates)]
    how = f"{HOURS_A_MONTH} h: a schedule keeps them in use"
    yield from _snapshots(kept, Decimal(HOURS_A_MONTH) / 24, how, prices)


def _snapshots(functions: Sequence[Resource], days: Decimal, how: str, prices: Prices) -> Iterator[Line]:
    if count := len(functions):
        memory = sum(map(_memory, functions), Decimal(0))
        text = f"{count} function{'s' * (count > 1)}, {memory:.3f} GB × {how}"
        yield Line(
            "SnapStart snapshots", count, text, memory * days * _SECONDS_A_DAY, "GB-s", prices["snapshot_gb_second"]
        )


def _snapped(templates: Templates) -> list[Resource]:
    """The functions with a snapshot, once for each of their versions."""
    versions = templates.of_type("AWS::Lambda::Version")
    functions = [templates.referred(version, version.properties.get("FunctionName")) for version in versions]
    return [each for each in functions if each is not None and _has_snapshots(each)]


def _kept(templates: Templates) -> list[Resource]:
    found = [scheduled(rule, templates) for rule in templates.of_type(*SCHEDULES)]
    return [function for function in found if function is not None]


def _has_snapshots(function: Resource) -> bool:
    return bool(function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions")


def by_the_hour(templates: Templates, prices: Prices) -> Iterator[Line]:
    """Load balancers, NAT gateways, addresses and interface endpoints."""
    endpoints = [each for each in templates.of_type("AWS::EC2::VPCEndpoint") if _is_interface(each)]
    zones = sum(len(endpoint.properties.get("SubnetIds", [])) for endpoint in endpoints)
    counted = {
        "Load balancers": (len(templates.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")), "load_balancer_hour"),
        "NAT gateways": (len(templates.of_type("AWS::EC2::NatGateway")), "nat_gateway_hour"),
        "Public addresses": (len(templates.of_type("AWS::EC2::EIP")), "public_address_hour"),
        "VPC endpoints, by zone": (zones, "endpoint_hour"),
    }
    for item, (count, price) in counted.items():
        if count:
            how = f"{count} × {HOURS_A_MONTH} h"
            yield Line(item, count, how, Decimal(count * HOURS_A_MONTH), "hours", prices[price])


def _is_interface(endpoint: Resource) -> bool:
    return endpoint.properties.get("VpcEndpointType") == "Interface"


def keys_and_secrets(templates: Templates, prices: Prices) -> Iterator[Line]:
    """KMS keys of the project's own, and secrets."""
    if keys := len(templates.of_type("AWS::KMS::Key")):
        yield Line("KMS keys", keys, "", Decimal(keys), "keys", prices["key_month"])
    if secrets := len(templates.of_type("AWS::SecretsManager::Secret")):
        yield Line("Secrets", secrets, "", Decimal(secrets), "secrets", prices["secret_month"])


def tasks(templates: Templates, prices: Prices) -> Iterator[Line]:
    """The tasks and GPU instances of services, at their least number."""
    for service in templates.of_type("AWS::ECS::Service"):
        yield from tasks_of(service, templates, prices)


def tasks_of(service: Resource, templates: Templates, prices: Prices) -> Iterator[Line]:
    """The lines of one service; none if its task or the price of its instances is not known."""
    definition = templates.referred(service, service.properties.get("TaskDefinition"))
    if definition is not None:
        count, name = _least_tasks(templates, service), f"Service {service.id.rpartition('Service')[0]}"
        hours = Decimal(count * HOURS_A_MONTH)
        if service.properties.get("LaunchType") == "FARGATE":
            yield from _fargate(definition, name, count, hours, prices)
        elif instance := _gpu_instance(templates, service, prices):
            gigabytes = prices.assumptions.gpu_volume_gb
            how, price = f"{count} × {instance.name} × {HOURS_A_MONTH} h", instance.hour
            yield Line(f"{name}: instances", count, how, hours, "hours", price)
            disks = f"{count} × {gigabytes} GB, assumed"
            yield Line(f"{name}: volumes", count, disks, count * gigabytes, "GB", prices["volume_gb_month"])


def _fargate(definition: Resource, name: str, count: int, hours: Decimal, prices: Prices) -> Iterator[Line]:
    cpu = Decimal(str(definition.properties["Cpu"])) / 1024
    memory = Decimal(str(definition.properties["Memory"])) / 1024
    arm = definition.properties.get("RuntimePlatform", {}).get("CpuArchitecture") == "ARM64"
    factor, kind = (Decimal(1), "arm64") if arm else (_X86_OVER_ARM, "x86")
    at = f"{count} × {HOURS_A_MONTH} h ×"
    yield Line(
        f"{name}: vCPU", count, f"{at} {cpu:g}, {kind}", hours * cpu, "vCPU-h", prices["fargate_vcpu_hour"] * factor
    )
    yield Line(
        f"{name}: memory", count, f"{at} {memory:g} GB", hours * memory, "GB-h", prices["fargate_gb_hour"] * factor
    )


def _least_tasks(templates: Templates, service: Resource) -> int:
    for target in templates.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        id_ = target.properties.get("ResourceId")
        if target.stack == service.stack and f"'{service.id}'" in str(id_):
            return int(target.properties.get("MinCapacity", 1))
    return int(service.properties.get("DesiredCount", 1))


def _gpu_instance(templates: Templates, service: Resource, prices: Prices) -> GpuInstance | None:
    """The cheapest known instance that the service's capacity provider may start; None if no price is known."""
    strategy = service.properties.get("CapacityProviderStrategy")
    provider = templates.referred(service, strategy)
    if provider is None or provider.type != PROVIDER:
        return None
    return instance_of(provider, prices)


def instance_of(provider: Resource, prices: Prices) -> GpuInstance | None:
    """The cheapest known instance that a capacity provider may start; None if no price is known."""
    launch = provider.properties.get("ManagedInstancesProvider", {}).get("InstanceLaunchTemplate", {})
    wanted = launch.get("InstanceRequirements", {})
    allowed = wanted.get("AllowedInstanceTypes", ["*"])
    vcpus = wanted.get("VCpuCount", {}).get("Min", 0)
    memory = wanted.get("MemoryMiB", {}).get("Min", 0)
    if wanted.get("AcceleratorCount", {}).get("Min", 1) > 1:
        return None  # all instances with a known price have one GPU
    fits = [
        each
        for each in prices.gpus
        if each.vcpus >= vcpus and each.memory_mb >= memory and any(fnmatch(each.name, type_) for type_ in allowed)
    ]
    return fits[0] if fits else None


IDLE: tuple[_Pricer, ...] = (alarms, dashboards, schedules, kept_snapshots, by_the_hour, tasks, keys_and_secrets)
"""What is charged each month."""

PRICED = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::EC2::EIP",
        "AWS::EC2::NatGateway",
        "AWS::EC2::VPCEndpoint",
        "AWS::ECS::Service",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::KMS::Key",
        "AWS::SecretsManager::Secret",
    }
)
"""The types that the lines have, whatever their properties are but for what `unpriced` finds."""
