"""`slipway preflight` and `slipway deploy` with a small app, moto's account, and a CDK CLI that takes notes."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from slipway.cli.commands import app
from slipway.errors import CheckFailedError, NotFoundError

REGION = "us-east-1"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
CONFIG = """\
project: shop
models: { small: { versions: [1], stable: 1 } }
environments: { prod: { monitoring: { tracing: true } } }
"""
# It writes what it was asked for into the template, so that the tests see the context.
APP = """\
import json, os, pathlib
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
project = "shop-" + context["slipway:environment"] if "slipway:environment" in context else "shop"
resources = {"Key": {"Type": "AWS::KMS::Key"}, "Database": {"Type": "AWS::RDS::DBInstance"}}
template = {"Resources": resources, "Description": context["slipway:target"]}
pathlib.Path(os.environ["CDK_OUTDIR"], project + "-serving.template.json").write_text(json.dumps(template))
"""
CDK = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("2.1148.1 (build x)")
else:
    pathlib.Path("called.json").write_text(json.dumps([sys.argv[1:], os.environ.get("AWS_REGION")]))
    sys.exit(7)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in miniature, as the working directory."""
    files = {"slipway.yaml": CONFIG, "app.py": APP, "cdk.json": '{"context": {"a": 1}}'}
    files["package.json"] = '{"devDependencies": {"aws-cdk": "2.1148.1"}}'
    for name, text in {**files, "node_modules/.bin/cdk": CDK, "bin/node": "#!/bin/sh\necho v22.3.0\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("node_modules/.bin/cdk", "bin/node"):
        (tmp_path / name).chmod(0o755 | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "SLIPWAY_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with mock_aws():
        yield


def bootstrapped() -> None:
    boto3.client("ssm", REGION).put_parameter(Name=BOOTSTRAP, Value="28", Type="String")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments])


def preflight(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = run("preflight", "--json", *arguments)
    return done.exit_code, json.loads(done.stdout)


def test_what_would_fail_is_named_with_its_cure_and_the_exit_code_is_that_of_the_worst() -> None:
    code, found = preflight("--region", REGION)
    (bootstrap,) = [check for check in found["checks"] if check["check"] == "CDK bootstrap"]
    assert (code, found["worst"], bootstrap["status"]) == (1, "fails", "fails")
    assert bootstrap["mend"] == "run `npx cdk bootstrap`"


def test_what_could_not_be_checked_is_no_failure() -> None:
    bootstrapped()
    code, found = preflight("--region", REGION)
    statuses = {check["check"]: check["status"] for check in found["checks"]}
    assert code == 4
    assert (statuses["Lambda concurrency"], statuses["API Gateway rate"]) == ("unknown", "unknown")
    assert {statuses[name] for name in ("Node", "CDK CLI", "Docker", "credentials", "SnapStart")} == {"fine"}


def test_no_region_is_a_failure_and_asks_no_account() -> None:
    code, found = preflight()
    assert code == 1
    assert "credentials" not in {check["check"] for check in found["checks"]}


def test_the_bill_is_compared_with_what_is_deployed() -> None:
    bootstrapped()
    template = json.dumps({"Resources": {"A": {"Type": "AWS::EC2::EIP"}}})
    boto3.client("cloudformation", REGION).create_stack(StackName="shop-prod-serving", TemplateBody=template)
    _, found = preflight("--region", REGION, "--environment", "prod")
    bill = found["bill"]
    assert bill["idle"]["total"] == "1.00"
    assert bill["unpriced"] == {"AWS::RDS::DBInstance": 1}
    changes = {each["item"]: (each["before"], each["after"]) for each in bill["deployed"]["changes"]}
    assert changes == {"KMS keys": ("0", "1.00"), "Public addresses": ("3.65", "0")}
    assert "Deployed now: $3.65" in run("preflight", "--region", REGION, "--environment", "prod").stdout


def test_a_deploy_that_would_fail_is_not_begun(folder: Path) -> None:
    done = run("deploy", "--region", REGION)
    assert done.exit_code == 1
    assert "Nothing was deployed" in done.stdout
    assert not (folder / "called.json").exists()


def test_a_deploy_passes_everything_on_to_the_cdk_and_its_exit_code_back(folder: Path) -> None:
    bootstrapped()
    options = ("--region", REGION, "--environment", "prod", "--break-glass", "--yes")
    done = run("deploy", *options, "--", "--concurrency", "2")
    assert done.exit_code == 7
    (arguments, region) = json.loads((folder / "called.json").read_text(encoding="utf-8"))
    assert region == REGION
    assert arguments == [
        *("deploy", "--require-approval", "never"),
        *("--context", f"slipway:config={folder / 'slipway.yaml'}"),
        *("--context", "slipway:environment=prod", "--context", "slipway:break-glass=true"),
        *("--all", "--concurrency", "2"),
    ]


def test_named_stacks_are_deployed_alone_and_the_cdk_asks_by_default(folder: Path) -> None:
    bootstrapped()
    run("deploy", "--region", REGION, "--", "shop-serving", "--exclusively")
    (arguments, _) = json.loads((folder / "called.json").read_text(encoding="utf-8"))
    assert arguments[:3] == ["deploy", "--require-approval", "broadening"]
    assert arguments[-2:] == ["shop-serving", "--exclusively"]
    assert "--all" not in arguments
    assert not any("break-glass" in argument for argument in arguments)


def test_the_cost_needs_no_account_and_no_bundles(folder: Path) -> None:
    (folder / "app.py").write_text(APP.replace('"AWS::KMS::Key"', 'context["slipway:target"]'), encoding="utf-8")
    bill = json.loads(run("cost", "--json").stdout)
    assert bill["unpriced"] == {"AWS::RDS::DBInstance": 1, "host": 1}
    assert "not priced: 1 × AWS::RDS::DBInstance" in run("cost").stdout


def test_an_app_that_does_not_synthesize_says_why(folder: Path) -> None:
    (folder / "app.py").write_text("raise SystemExit('error: no such model')", encoding="utf-8")
    done = run("cost")
    assert isinstance(done.exception, CheckFailedError)
    assert "no such model" in str(done.exception)


def test_outside_of_a_checkout_the_app_is_missed(folder: Path) -> None:
    (folder / "app.py").unlink()
    assert isinstance(run("cost").exception, NotFoundError)
