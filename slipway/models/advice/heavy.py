"""The heavy tier's offers: Fargate tasks or GPU instances behind a load balancer, called units here.

Each unit has its own queue, because the load balancer sends every request to one unit. So a unit has a fixed maximum
rate, and the number of units is a step function of the traffic.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.config.deployment.sizes import FARGATE_SIZES
from slipway.models.advice.bill import api_lines, balancer_lines, endpoint_lines, nat_lines
from slipway.models.advice.prices import GpuInstance, PriceTable, RegionPrices
from slipway.models.advice.queueing import Queue, highest_rate, wait_quantile_ms
from slipway.models.advice.terms import HOURS_A_MONTH, Given, Line, Offer, Option, Profile, Workload


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of task or instance. ``rate`` is the most requests per second that one should serve; 0 if unknown."""

    option: Option
    size: str
    rate: float
    rate_how: str
    base_p99_ms: float
    base_how: str
    queue: Queue | None
    prices: tuple[Line, ...]
    """The bill of one unit."""
    endpoints: tuple[str, ...]
    """The interface endpoints that it needs; without any, it uses NAT gateways."""
    late: bool
    """Whether it misses the target at any traffic; then ``rate`` is that at the planned utilization."""
    problems: tuple[str, ...] = ()

    @property
    def monthly(self) -> float:
        """Dollars per month for one unit."""
        return math.fsum(line.amount for line in self.prices)


def fargate_units(profile: Profile, prices: RegionPrices, given: Given, *, p99_ms: float) -> list[Unit]:
    """A task of each vCPU size, with the least memory that holds one process per vCPU."""
    found = []
    for vcpus, memories in FARGATE_SIZES.items():
        processes = max(1, int(vcpus))
        needed = (given.container_base_mb + processes * profile.memory_mb) / 1000
        memory = next((memory for memory in memories if memory >= needed), None)
        if memory is not None:
            found.append(_fargate_unit(profile, prices, given, vcpus=vcpus, memory=memory, p99_ms=p99_ms))
    return found


def _fargate_unit(
    profile: Profile, prices: RegionPrices, given: Given, *, vcpus: float, memory: float, p99_ms: float
) -> Unit:
    share = min(1.0, vcpus)
    service = (profile.mean_ms * given.slowdown + given.server_ms) / share
    cv2 = profile.cv2 if given.cv2 is None else given.cv2
    queue = Queue(max(1, int(vcpus)), service, cv2)
    base = (profile.p99_ms * given.slowdown + given.server_ms) / share + given.front_ms + given.balancer_ms
    rate = highest_rate(queue, wait_ms=p99_ms - base, utilization=given.utilization)
    late = rate <= 0
    if late:
        rate = given.utilization * queue.servers / service * 1000
    return Unit(
        option="fargate",
        size=f"{vcpus:g} vCPU, {memory:g} GB, arm64",
        rate=rate,
        rate_how=_rate_how(queue, rate, given),
        base_p99_ms=base,
        base_how=(
            f"({profile.p99_ms:.3f} × {given.slowdown:g} + {given.server_ms:g}) ÷ {share:g} processor "
            f"+ {given.front_ms:g} + {given.balancer_ms:g}"
        ),
        queue=queue,
        prices=(
            Line("Fargate processors", f"{vcpus:g} vCPU", vcpus * HOURS_A_MONTH, "vCPU-h", prices.fargate_vcpu_hour),
            Line("Fargate memory", f"{memory:g} GB", memory * HOURS_A_MONTH, "GB-h", prices.fargate_gb_hour),
        ),
        endpoints=given.fargate_endpoints,
        late=late,
    )


def _rate_how(queue: Queue, rate: float, given: Given) -> str:
    used = queue.load(rate) / queue.servers
    reason = "the planned utilization" if math.isclose(used, given.utilization) else "the p99 target"
    return (
        f"{queue.servers} server(s), {queue.service_ms:.3f} ms a request, cv² {queue.cv2:.3f}: "
        f"{rate:,.1f}/s, {used:.0%} busy, bound by {reason}"
    )


def gpu_units(profile: Profile, table: PriceTable, prices: RegionPrices, given: Given, *, p99_ms: float) -> list[Unit]:
    """An instance of each GPU type that the region has a price for."""
    return [
        _gpu_unit(profile, table.gpu_instances[name], prices, given, name=name, p99_ms=p99_ms)
        for name in prices.gpu_instance_hour
    ]


def gpu_rate(profile: Profile, tflops: float, given: Given) -> tuple[float, str]:
    """Records per second of the GPU in full batches, and the figure's source; 0 if it cannot be estimated."""
    if given.gpu_per_second is not None:
        return given.gpu_per_second, "as given"
    if profile.gpu_per_second is not None:
        return profile.gpu_per_second, "measured on the CUDA device of this machine"
    if profile.on_processors:
        return 0.0, "dynamic int8 is slower on a GPU than without: ONNX Runtime leaves its products to the processors"
    if not profile.multiply_adds:
        return 0.0, "the graph has no multiply-adds to estimate from"
    seconds = given.gpu_batch * 2 * profile.multiply_adds / (tflops * 1e12 * given.gpu_efficiency)
    batch_ms = given.gpu_batch_overhead_ms + seconds * 1000
    how = (
        f"ESTIMATE: {given.gpu_batch} ÷ ({given.gpu_batch_overhead_ms:g} ms + {given.gpu_batch} × 2 × "
        f"{profile.multiply_adds:,.0f} multiply-adds ÷ ({tflops:g} TFLOPS × {given.gpu_efficiency:.0%}))"
    )
    return given.gpu_batch / batch_ms * 1000, how


def _gpu_unit(
    profile: Profile, instance: GpuInstance, prices: RegionPrices, given: Given, *, name: str, p99_ms: float
) -> Unit:
    on_gpu, source = gpu_rate(profile, instance.float32_tflops, given)
    around_ms = profile.edge_ms * given.slowdown + given.server_ms
    on_cpu = instance.vcpus / around_ms * 1000
    throughput = min(on_gpu, on_cpu)
    batch_ms = given.gpu_batch / throughput * 1000 if throughput else math.inf
    base = given.front_ms + given.balancer_ms + given.gpu_window_ms + 2 * batch_ms
    bound = "the GPU" if on_gpu <= on_cpu else "the processors"
    return Unit(
        option="gpu",
        size=f"{name} ({instance.gpu})",
        rate=given.utilization * throughput,
        rate_how=(
            f"GPU {on_gpu:,.0f}/s ({source}); processors {instance.vcpus} ÷ {around_ms:.3f} ms around the graph = "
            f"{on_cpu:,.0f}/s; bound by {bound}, × {given.utilization:.0%} utilization"
        ),
        base_p99_ms=base,
        base_how=(
            f"{given.front_ms:g} + {given.balancer_ms:g} + {given.gpu_window_ms:g} (gathering) + "
            f"2 × {batch_ms:.2f} (a batch of {given.gpu_batch}: the one that runs, then its own)"
        ),
        queue=None,
        prices=_gpu_bill(name, prices, instance.fee_share, given),
        endpoints=(),
        late=base > p99_ms,
        problems=() if throughput else (f"{source}; {_remedy(profile)}",),
    )


def _remedy(profile: Profile) -> str:
    return "advise on its version in float32" if profile.on_processors else "give its records a second"


def _gpu_bill(name: str, prices: RegionPrices, fee_share: float, given: Given) -> tuple[Line, ...]:
    hourly = prices.gpu_instance_hour[name]
    fee = hourly * fee_share
    return (
        Line(f"EC2 {name}", f"{HOURS_A_MONTH} h", HOURS_A_MONTH, "h", hourly),
        Line(f"ECS Managed Instances ({fee_share:.1%})", f"{HOURS_A_MONTH} h", HOURS_A_MONTH, "h", fee),
        Line("EBS volume, gp3", f"{given.gpu_volume_gb} GB", given.gpu_volume_gb, "GB-month", prices.volume_gb_month),
    )


def units_needed(unit: Unit, rps: float, given: Given) -> int:
    """How many units serve the traffic; the minimum where a unit's rate is unknown."""
    return max(given.least_units, math.ceil(rps / unit.rate) if unit.rate else 0)


def best_unit(units: Sequence[Unit], rps: float, given: Given) -> Unit | None:
    """The cheapest kind of unit for the traffic, preferring kinds that meet the target."""
    possible = [unit for unit in units if not unit.problems]
    within = [unit for unit in possible if not unit.late]
    return min(within or possible, key=lambda unit: units_needed(unit, rps, given) * unit.monthly, default=None)


def unit_p99(unit: Unit, rps: float, given: Given) -> float:
    """The p99 latency in ms with the traffic spread evenly over the units needed."""
    if unit.queue is None:
        return unit.base_p99_ms
    return unit.base_p99_ms + wait_quantile_ms(unit.queue, rps / units_needed(unit, rps, given))


def heavy_offer(unit: Unit, work: Workload, prices: RegionPrices, given: Given) -> Offer:
    """The offer of as many units as the traffic needs, with their load balancer."""
    count = units_needed(unit, work.rps, given)
    p99 = unit_p99(unit, work.rps, given)
    wait = "" if unit.queue is None else f" + {p99 - unit.base_p99_ms:.2f} (p99 wait at {work.rps / count:,.3g}/s each)"
    own = [
        Line(f"{line.item}", f"{count} × {line.how}{_hours(line)}", count * line.quantity, line.unit, line.price)
        for line in unit.prices
    ]
    return Offer(
        option=unit.option,
        size=f"{count} × {unit.size}",
        lines=(
            *own,
            *balancer_lines(work, prices, per_connection=given.requests_per_connection),
            *_network_lines(unit, work, prices, given),
            *api_lines(work, prices, log_bytes=work.log_bytes),
        ),
        p99_ms=p99,
        p99_how=unit.base_how + wait,
        p99_target_ms=work.p99_ms,
        problems=unit.problems,
        notes=(
            f"one unit serves {unit.rate:,.1f}/s: {unit.rate_how}",
            _count_how(unit, work, given, count),
            _other_slot(unit, given, count),
        ),
    )


def _network_lines(unit: Unit, work: Workload, prices: RegionPrices, given: Given) -> list[Line]:
    if unit.endpoints:
        return endpoint_lines(work, prices, endpoints=unit.endpoints, zones=given.zones)
    return nat_lines(work, prices, gateways=given.gpu_nat_gateways)


def _hours(line: Line) -> str:
    return f" × {HOURS_A_MONTH} h" if line.unit in ("vCPU-h", "GB-h") else ""


def _other_slot(unit: Unit, given: Given, count: int) -> str:
    """A note on a cost outside the bill: the other slot, which runs during a release."""
    first, during = (f"{n} × ${unit.monthly:,.2f} = ${n * unit.monthly:,.2f}" for n in (given.least_units, count))
    return (
        "the bill is for one slot, as between releases. The other slot also runs from the first deploy to the end of "
        f"the first release, at {first} a month, and during every later release, at {during} a month"
    )


def _count_how(unit: Unit, work: Workload, given: Given, count: int) -> str:
    return f"{count} = the larger of {given.least_units} and {work.rps:g}/s ÷ {unit.rate:,.1f}/s, rounded up"
