"""What the advice is computed from, and what it consists of: values, each of which can be checked by hand."""

import math
from dataclasses import dataclass, field
from typing import Literal

HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600

Option = Literal["light", "fargate", "gpu"]
OPTIONS: tuple[Option, ...] = ("light", "fargate", "gpu")
OPTION_NAMES: dict[Option, str] = {"light": "light: Lambda", "fargate": "heavy: Fargate", "gpu": "heavy: GPU instance"}


@dataclass(frozen=True, slots=True)
class Workload:
    """The traffic: requests a second at a steady rate, one record each, and the p99 target at the API's edge."""

    rps: float
    p99_ms: float
    request_bytes: int
    response_bytes: int
    log_bytes: int
    """What the service and the API write to CloudWatch Logs for one request."""

    @property
    def requests(self) -> float:
        """Requests a month."""
        return self.rps * SECONDS_A_MONTH


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured of the package on this machine, one thread; ``memory_mb`` and MB are 10⁶ bytes."""

    mean_ms: float
    median_ms: float
    p99_ms: float
    cv2: float
    edge_ms: float
    """Of the mean, what is not the graph: encode and decode."""
    batch: int
    batch_per_second: float
    memory_mb: float
    size_bytes: int
    multiply_adds: float
    """Multiply-adds of the graph for one record within a batch; 0 where it has none that can be counted."""
    gpu_per_second: float | None = None
    """Records a second in batches on a CUDA device of this machine, if it has one."""


@dataclass(frozen=True, slots=True)
class Given:
    """What cannot be measured here, with defaults; each can be given by an option of the command."""

    slowdown: float = 1.0  # how many times slower a processor of AWS is than one of this machine
    front_ms: float = 10.0  # API Gateway and the way to what serves, at p99
    balancer_ms: float = 2.0
    lambda_memory_mb: int = 1769
    lambda_overhead_ms: float = 1.0  # event, validation, answer and telemetry around the prediction
    lambda_base_mb: float = 60.0  # FastAPI, boto3
    lambda_log_bytes: int = 430  # START, END and REPORT
    cold_start_ms: float = 800.0
    idle_seconds: float = 300.0  # after which Lambda gives an environment up
    server_ms: float = 0.5  # ASGI server, validation, answer and telemetry around the prediction
    container_base_mb: float = 120.0
    cv2: float | None = None  # in place of the measured one: 1 for M/M/c, 0 for M/D/c
    utilization: float = 0.7  # the highest that is planned with
    least_units: int = 2  # tasks or instances of the slot that serves, so that the loss of a zone is survived
    zones: int = 2
    requests_per_connection: int = 100
    fargate_endpoints: tuple[str, ...] = ("ecr.api", "ecr.dkr", "logs", "ssm")
    gpu_endpoints: tuple[str, ...] = ("ecr.api", "ecr.dkr", "logs", "ssm", "ecs", "ecs-agent", "ecs-telemetry")
    gpu_efficiency: float = 0.3  # of the peak in float32
    gpu_per_second: float | None = None
    gpu_batch: int = 32
    gpu_batch_overhead_ms: float = 2.0  # launching the kernels of one batch
    gpu_window_ms: float = 5.0  # for which a batch is gathered
    gpu_volume_gb: int = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill. ``how`` is the arithmetic that gives the quantity."""

    item: str
    how: str
    quantity: float
    unit: str
    price: float

    @property
    def amount(self) -> float:
        """Dollars a month."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to serve the workload: its bill, its latency, and what speaks against it."""

    option: Option
    size: str
    lines: tuple[Line, ...]
    p99_ms: float
    p99_how: str
    p99_target_ms: float
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def monthly(self) -> float:
        """Dollars a month."""
        return math.fsum(line.amount for line in self.lines)

    @property
    def possible(self) -> bool:
        """Whether it can be had at all, whatever its latency."""
        return not self.problems

    @property
    def meets(self) -> bool:
        """Whether it can be had and its p99 is within the target."""
        return self.possible and self.p99_ms <= self.p99_target_ms
