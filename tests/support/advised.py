"""What the tests of `slipway model advise` share: a workload, a package as measured, and the shipped prices."""

from slipway.models.advice.prices import load_prices
from slipway.models.advice.terms import Given, Profile, Workload

TABLE = load_prices()
US = TABLE.of("us-east-1")
GIVEN = Given()
WORK = Workload(rps=50, p99_ms=100, request_bytes=1000, response_bytes=500, log_bytes=1000)
PROFILE = Profile(
    mean_ms=4.0,
    median_ms=3.9,
    p99_ms=8.0,
    cv2=0.25,
    edge_ms=0.1,
    batch=32,
    batch_per_second=250,
    memory_mb=200,
    size_bytes=24_000_000,
    multiply_adds=100e6,
)
