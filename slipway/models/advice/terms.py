"""The inputs and outputs of the advice, as values that can be checked by hand."""

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
    """The traffic: a steady rate of requests per second, one record each, and the p99 target at the API's edge."""

    rps: float
    p99_ms: float
    request_bytes: int
    response_bytes: int
    log_bytes: int
    """Bytes that the service and the API write to CloudWatch Logs per request."""

    @property
    def requests(self) -> float:
        """Requests per month."""
        return self.rps * SECONDS_A_MONTH


@dataclass(frozen=True, slots=True)
class Profile:
    """The package's measurements on this machine, with one thread; a MB is 10⁶ bytes."""

    mean_ms: float
    median_ms: float
    p99_ms: float
    cv2: float
    edge_ms: float
    """The part of the mean outside the graph: encoding."""
    batch: int
    batch_per_second: float
    memory_mb: float
    size_bytes: int
    multiply_adds: float
    """Multiply-adds of the graph per record within a batch; 0 if none can be counted."""
    gpu_per_second: float | None = None
    """Records per second in batches on this machine's CUDA device, if it has one."""
    on_processors: bool = False
    """Whether its products are of integers, which ONNX Runtime leaves to processors where there is a GPU, too."""


@dataclass(frozen=True, slots=True)
class Given:
    """Assumptions that cannot be measured here, with defaults; most can be set by an option of the command."""

    slowdown: float = 1.0  # how many times slower AWS's processors are than this machine's
    front_ms: float = 10.0  # API Gateway and the network behind it, at p99
    balancer_ms: float = 2.0
    lambda_memory_mb: int = 1769
    lambda_overhead_ms: float = 1.0  # event, validation, response and telemetry around the prediction
    lambda_base_mb: float = 60.0  # FastAPI, boto3
    lambda_log_bytes: int = 430  # START, END and REPORT
    cold_start_ms: float = 800.0
    idle_seconds: float = 300.0  # after which Lambda discards an environment
    server_ms: float = 0.5  # ASGI server, validation, response and telemetry around the prediction
    container_base_mb: float = 120.0
    cv2: float | None = None  # overrides the measured one: 1 for M/M/c, 0 for M/D/c
    utilization: float = 0.7  # the highest planned
    least_units: int = 2  # tasks or instances of the serving slot; two survive the loss of a zone
    zones: int = 2
    requests_per_connection: int = 100
    fargate_endpoints: tuple[str, ...] = ("ecr.api", "ecr.dkr", "logs", "ssm")
    gpu_nat_gateways: int = 1  # managed instances in private subnets need one
    gpu_efficiency: float = 0.3  # share of the float32 peak
    gpu_per_second: float | None = None
    gpu_batch: int = 32
    gpu_batch_overhead_ms: float = 2.0  # kernel launches of one batch
    gpu_window_ms: float = 5.0  # how long a batch is collected
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
    """One way to serve the workload: its bill, its latency, and why it may be impossible."""

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
        """Whether nothing rules the option out, regardless of its latency."""
        return not self.problems

    @property
    def meets(self) -> bool:
        """Whether the option is possible and its p99 is within the target."""
        return self.possible and self.p99_ms <= self.p99_target_ms
