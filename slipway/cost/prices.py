"""The prices of one region, as decimals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import ConfigError, FieldProblem, NotFoundError
from slipway.models.advice.prices import PriceTable
from slipway.models.advice.prices import load_prices as load_advised

SHIPPED = Path(__file__).parent / "prices.yaml"

Price = Annotated[Decimal, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Free(_Part):
    """What an account has free of charge each month."""

    alarm_metrics: Price
    dashboards: Price


class Assumptions(_Part):
    """What no template says; see prices.yaml."""

    scheduled_call_ms: Price
    scheduled_call_log_bytes: Price
    scheduled_call_reads: Price
    request_ms: Price
    request_log_bytes: Price
    request_bytes: Price
    snapshot_days: Price
    gpu_volume_gb: Price


class StandingPrices(_Part):
    """The prices of one region that only this table has."""

    alarm_metric_month: Price
    composite_alarm_month: Price
    dashboard_month: Price
    key_month: Price
    secret_month: Price
    snapshot_gb_second: Price
    dynamodb_million_reads: Price


class _Table(_Part):
    as_of: date
    sources: dict[str, str]
    free: Free
    assumptions: Assumptions
    regions: Annotated[dict[str, StandingPrices], Field(min_length=1)]


@dataclass(frozen=True)
class GpuInstance:
    """An instance type with one GPU; its price has the fee of ECS Managed Instances."""

    name: str
    vcpus: int
    memory_mb: int
    hour: Decimal


@dataclass(frozen=True)
class Prices:
    """All prices of one region, each named by its unit as in the two price files."""

    region: str
    as_of: date
    free: Free
    assumptions: Assumptions
    values: Mapping[str, Decimal]
    gpus: tuple[GpuInstance, ...]

    def __getitem__(self, name: str) -> Decimal:
        return self.values[name]


def priced_regions(path: Path = SHIPPED) -> tuple[str, ...]:
    """The regions that both price files have; raises ConfigError as `load_prices` does."""
    return _priced(_table(path), load_advised())


def load_prices(region: str, path: Path = SHIPPED) -> Prices:
    """Read the prices of a region.

    Raises:
        ConfigError: a price file cannot be read or has invalid values.
        NotFoundError: the files have no prices of the region; the error names the regions that they have.
    """
    table, advised = _table(path), load_advised()
    if region not in (known := _priced(table, advised)):
        raise NotFoundError("region", region, known, within="the price file")
    own = table.regions[region].model_dump()
    shared = advised.of(region).model_dump()
    scalars = {name: _exact(value) for name, value in shared.items() if isinstance(value, float | int)}
    scalars["http_api_million_requests"] = _exact(shared["http_api_million_requests"][0]["price"])
    oldest = min(table.as_of, advised.as_of)
    return Prices(region, oldest, table.free, table.assumptions, {**scalars, **own}, _gpus(advised, region))


def _priced(table: _Table, advised: PriceTable) -> tuple[str, ...]:
    return tuple(name for name in table.regions if name in advised.regions)


def _gpus(table: PriceTable, region: str) -> tuple[GpuInstance, ...]:
    found = []
    for name, price in table.of(region).gpu_instance_hour.items():
        instance = table.gpu_instances[name]
        hour = _exact(price) * (1 + _exact(instance.fee_share))
        found.append(GpuInstance(name, instance.vcpus, round(instance.memory_gb * 1024), hour))
    return tuple(sorted(found, key=lambda instance: instance.hour))


def _table(path: Path) -> _Table:
    try:
        return _Table.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(path, [FieldProblem("(file)", error.strerror or str(error))]) from error
    except yaml.YAMLError as error:
        raise ConfigError(path, [FieldProblem("(file)", f"not YAML: {error}")]) from error
    except ValidationError as error:
        raise ConfigError(path, field_problems(error)) from error


def _exact(value: float) -> Decimal:
    """The decimal that the file has, not the nearest binary fraction."""
    return Decimal(str(value))
