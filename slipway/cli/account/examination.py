"""Examine a deploy before it begins: the checks of this machine and the account, and the bill."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.cli.account.synthesis import Template, deployed_templates, synthesize
from slipway.config import load_config
from slipway.cost.bill import Bill
from slipway.cost.estimate import estimate
from slipway.cost.prices import Prices, load_prices, priced_regions
from slipway.errors import UnavailableError
from slipway.preflight.judging import judge_region
from slipway.preflight.machine import Machine
from slipway.preflight.needs import needs_of
from slipway.preflight.results import Result
from slipway.preflight.run import check_account, check_machine

_DOCKER = "CDK_DOCKER"


@dataclass(frozen=True)
class Examination:
    """The results of all checks, and the bills of the deploy and of what is deployed, as far as they are known."""

    results: tuple[Result, ...]
    prices: Prices | None
    bill: Bill | None
    deployed: Bill | None


def examine(config_file: Path, environment: str | None, region: str | None) -> Examination:
    """Make all checks of a deploy.

    Raises:
        ConfigError, NotFoundError: slipway.yaml is not valid, or has no such environment.
        CheckFailedError: the templates cannot be synthesized.
    """
    from slipway.aws.account import Account, configured_region  # boto3 takes a quarter of a second to import

    config = load_config(config_file, environment)
    templates = synthesize(config_file, environment)
    needs, region = needs_of(config, templates), region or configured_region()
    results = list(check_machine(machine(), needs))
    results.append(judge_region(region, priced_regions()))
    deployed: Mapping[str, Template] | None = None
    if region is not None:
        deployed = _deployed(config.project, region)
        there, reserved = bool(deployed), _reserved(deployed or {})
        results += check_account(Account(region), needs, deployed=there, reserved=reserved)
    prices = load_prices(region) if region in priced_regions() else None
    return Examination(
        results=tuple(results),
        prices=prices,
        bill=estimate(templates, prices) if prices else None,
        deployed=estimate(deployed, prices) if prices and deployed is not None else None,
    )


def machine() -> Machine:
    """This machine, with the checkout in this folder."""
    return Machine(Path.cwd(), os.environ.get(_DOCKER, "docker"))


def _deployed(project: str, region: str) -> Mapping[str, Template] | None:
    """The deployed templates, or None if they may not or cannot be read."""
    try:
        return deployed_templates(project, {"region_name": region})
    except UnavailableError:
        return None


def _reserved(templates: Mapping[str, Template]) -> int:
    """The concurrency that the functions of some templates reserve."""
    found = [resource for template in templates.values() for resource in template.get("Resources", {}).values()]
    return sum(int(each.get("Properties", {}).get("ReservedConcurrentExecutions", 0)) for each in found)
