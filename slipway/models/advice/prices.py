"""The types of the price table, a dated file of prices by region."""

from datetime import date
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from slipway.config.validation import field_problems
from slipway.errors import ConfigError, FieldProblem, NotFoundError

SHIPPED = Path(__file__).parent / "prices.yaml"

Price = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Tier(_Part):
    """A price up to a monthly quantity, or without limit."""

    up_to: Annotated[float, Field(gt=0)] | None = None
    price: Price


def _increase(tiers: tuple[Tier, ...]) -> bool:
    limits = [tier.up_to for tier in tiers[:-1]]
    known = [limit for limit in limits if limit is not None]
    return len(known) == len(limits) and known == sorted(set(known)) and tiers[-1].up_to is None


class RegionPrices(_Part):
    """The prices of one region, each named by its unit; see prices.yaml."""

    lambda_million_requests: Price
    lambda_gb_second: Price
    http_api_million_requests: Annotated[tuple[Tier, ...], Field(min_length=1)]
    fargate_vcpu_hour: Price
    fargate_gb_hour: Price
    load_balancer_hour: Price
    lcu_hour: Price
    endpoint_hour: Price
    endpoint_gb: Price
    nat_gateway_hour: Price
    nat_gateway_gb: Price
    public_address_hour: Price
    logs_gb: Price
    data_out_gb: Annotated[tuple[Tier, ...], Field(min_length=1)]
    volume_gb_month: Price
    gpu_instance_hour: dict[str, Price] = {}

    @model_validator(mode="after")
    def _tiers_increase(self) -> Self:
        for name in ("http_api_million_requests", "data_out_gb"):
            if not _increase(getattr(self, name)):
                raise ValueError(f"`{name}`: every tier but the last needs an `up_to` above the previous tier's")
        return self


class GpuInstance(_Part):
    """An instance type with one GPU. ``fee_share`` is ECS Managed Instances' fee as a share of the hourly price."""

    gpu: str
    vcpus: Annotated[int, Field(ge=1)]
    memory_gb: Annotated[float, Field(gt=0)]
    float32_tflops: Annotated[float, Field(gt=0)]
    fee_share: Annotated[float, Field(ge=0, lt=1)]


class PriceTable(_Part):
    """The whole of prices.yaml."""

    as_of: date
    sources: dict[str, str]
    gpu_instances: dict[str, GpuInstance]
    regions: Annotated[dict[str, RegionPrices], Field(min_length=1)]

    @model_validator(mode="after")
    def _instances_are_described(self) -> Self:
        for region, prices in self.regions.items():
            if unknown := prices.gpu_instance_hour.keys() - self.gpu_instances.keys():
                raise ValueError(f"`regions.{region}` prices {', '.join(sorted(unknown))}, which `gpu_instances` lacks")
        return self

    def of(self, region: str) -> RegionPrices:
        """The prices of a region; raises NotFoundError that names the known regions."""
        if region not in self.regions:
            raise NotFoundError("region", region, self.regions, within="the price table")
        return self.regions[region]


def load_prices(path: Path = SHIPPED) -> PriceTable:
    """Read a price table.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or has invalid values; each problem names the value's path.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return PriceTable.model_validate(document)
    except OSError as error:
        raise ConfigError(path, [FieldProblem("(file)", error.strerror or str(error))]) from error
    except yaml.YAMLError as error:
        raise ConfigError(path, [FieldProblem("(file)", f"not YAML: {error}")]) from error
    except ValidationError as error:
        raise ConfigError(path, field_problems(error)) from error
