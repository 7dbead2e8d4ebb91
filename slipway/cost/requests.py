"""What a million requests cost, beside what stands there."""

from collections.abc import Iterator
from decimal import Decimal

from slipway.cost.bill import Line
from slipway.cost.prices import Prices
from slipway.cost.templates import Templates

_MILLION = 10**6
_GB = Decimal(10**9)
LIGHT = "light"
HEAVY = "heavy"


def light_requests(templates: Templates, prices: Prices) -> Iterator[Line]:
    """A million requests of one record to a light model, warm, without features, cache and captures."""
    given = prices.assumptions
    functions = templates.of_type("AWS::Lambda::Function")
    predict = [each for each in functions if ".predict." in str(each.properties.get("Handler", ""))]
    if not predict or not templates.of_type("AWS::ApiGatewayV2::Api"):
        return
    memory = Decimal(predict[0].properties.get("MemorySize", 128)) / 1024
    duration = _MILLION * given.request_ms / 1000 * memory
    yield _api(prices)
    yield Line("Lambda requests", 1, "", Decimal(1), "million", prices["lambda_million_requests"])
    how = f"{given.request_ms} ms × {memory:.3f} GB, assumed"
    yield Line("Lambda duration", 1, how, duration, "GB-s", prices["lambda_gb_second"])
    yield _logs(prices)


def heavy_requests(templates: Templates, prices: Prices) -> Iterator[Line]:
    """A million requests to a heavy model whose tasks are there: spread over a month, they need no more of them."""
    given = prices.assumptions
    if not templates.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        return
    yield _api(prices)
    volume = _MILLION * given.request_bytes / _GB
    how = f"{given.request_bytes} B each, assumed; 1 GB is one LCU-hour"
    yield Line("Load balancer capacity", 1, how, volume, "LCU-h", prices["lcu_hour"])
    yield _logs(prices)


def _api(prices: Prices) -> Line:
    return Line("HTTP API requests", 1, "", Decimal(1), "million", prices["http_api_million_requests"])


def _logs(prices: Prices) -> Line:
    given = prices.assumptions
    how = f"{given.request_log_bytes} B each, assumed"
    return Line("CloudWatch Logs", 1, how, _MILLION * given.request_log_bytes / _GB, "GB", prices["logs_gb"])
