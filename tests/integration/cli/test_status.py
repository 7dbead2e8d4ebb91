"""`slipway status` of an account in moto, with a small server as the API."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from slipway.cli.commands import app
from slipway.errors import ConfigError, NotFoundError, UnavailableError

REGION = "eu-central-1"
CONFIG = "project: demo\napi: {authorization: none}\nmodels:\n  tweets: {versions: [1], stable: 1}\n"
RELEASE = {"stable": 1, "strategy": "fixed", "candidates": []}
MODELS = [
    {"name": "tweets", "tier": "light", "release": RELEASE, "versions": [{"version": 1}, {"version": 2}]},
    {"name": "tweets-large", "tier": "heavy", "release": RELEASE, "versions": [{"version": 1}]},
]
Status = Callable[..., Result]


class Handler(BaseHTTPRequestHandler):
    """The two routes that `status` calls."""

    ready = True

    def do_GET(self) -> None:
        ok = self.path == "/v1/models" or self.ready
        body = (
            {"models": MODELS} if self.path == "/v1/models" else {"ready": self.ready, "detail": "a model is missing"}
        )
        self.send_response(200 if ok else 503)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def handler() -> type[Handler]:
    return type("Made", (Handler,), {})


@pytest.fixture
def api(handler: type[Handler]) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # any service


@pytest.fixture
def status(aws: Any, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Status:
    """Runs the command in a folder with a slipway.yaml and without an embedded AWS."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, ["status", "--api", api, *arguments])


@pytest.fixture
def deployed(aws: Callable[[str], Any]) -> None:
    """Stacks with the templates' outputs, the resources that these name, and an hour of metrics."""
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    outputs = {"ClusterName": "cluster", **_balancer(aws("elbv2"), vpc, subnet), **_services(aws("ecs"))}
    for slot, version in (("blue", "1"), ("green", "2")):
        aws("ssm").put_parameter(Name=f"/demo/tweets-large/{slot}/version", Type="String", Value=version)
    _stack(aws("cloudformation"), "demo-serving", {"ApiUrl": "https://api"})
    _stack(aws("cloudformation"), "demo-heavy", outputs)
    for dimensions in ({"Model": "tweets"}, {"Model": "tweets-large"}, {"Model": "tweets-large", "Slot": "blue"}):
        _put(aws("cloudwatch"), "Requests", 7, **dimensions)
    _put(aws("cloudwatch"), "Errors", 2, Model="tweets", Kind="input")
    _put(aws("cloudwatch"), "Errors", 1, Model="tweets", Kind="internal")
    _put(aws("cloudwatch"), "Predictions", 9, Model="tweets", Version="2")


def _balancer(elbv2: Any, vpc: str, subnet: str) -> dict[str, str]:
    balancer = elbv2.create_load_balancer(Name="internal", Subnets=[subnet])["LoadBalancers"][0]["LoadBalancerArn"]
    groups = {
        slot: elbv2.create_target_group(Name=slot, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for slot in ("blue", "green")
    }
    elbv2.register_targets(TargetGroupArn=groups["blue"], Targets=[{"Id": "10.0.0.5"}])
    weighted = [{"TargetGroupArn": groups["blue"], "Weight": 90}, {"TargetGroupArn": groups["green"], "Weight": 10}]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[action])
    rule = elbv2.create_rule(
        ListenerArn=listener["Listeners"][0]["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
        Actions=[action],
    )["Rules"][0]["RuleArn"]
    targets = {f"TweetsLarge{slot.capitalize()}Targets": group for slot, group in groups.items()}
    return {"TweetsLargeRule": rule, **targets}


def _services(ecs: Any) -> dict[str, str]:
    ecs.create_cluster(clusterName="cluster")
    ecs.register_task_definition(family="task", containerDefinitions=[{"name": "model", "image": "i", "memory": 512}])
    for slot in ("blue", "green"):
        ecs.create_service(cluster="cluster", serviceName=slot, taskDefinition="task", desiredCount=1)
    return {f"TweetsLarge{slot.capitalize()}Service": slot for slot in ("blue", "green")}


def _stack(cloudformation: Any, name: str, outputs: dict[str, str]) -> None:
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": f"/{name}", "Type": "String", "Value": "1"}}
    template = {"Resources": {"Any": resource}, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))


def _put(cloudwatch: Any, metric: str, value: float, **dimensions: str) -> None:
    named = [{"Name": name, "Value": each} for name, each in {"Project": "demo", **dimensions}.items()]
    datum = {
        "MetricName": metric,
        "Dimensions": named,
        "Value": value,
        "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
    }
    cloudwatch.put_metric_data(Namespace="Slipway", MetricData=[datum])


@pytest.mark.usefixtures("deployed")
def test_both_tiers_are_told_to_programs(status: Status) -> None:
    done = status("--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["project"], found["api"], found["minutes"]) == ("demo", "ready", 15)
    light, heavy = found["models"]
    assert light["traffic"] == {"requests": 7, "errors": 3, "faults": 1, "p99_ms": None}
    assert [(each["version"], each["stable"], each["predictions"]) for each in light["versions"]] == [
        (1, True, 0),
        (2, False, 9),
    ]
    blue, green = heavy["slots"]
    assert (blue["slot"], blue["version"], blue["weight"], blue["desired"]) == ("blue", 1, 90, 1)
    assert (green["slot"], green["version"], green["weight"], green["healthy"]) == ("green", 2, 10, 0)
    assert (blue["traffic"]["requests"], green["traffic"]["requests"]) == (7, 0)


@pytest.mark.usefixtures("deployed")
def test_people_see_shares_and_what_is_not_healthy(status: Status) -> None:
    shown = status().stdout

    assert "its API is ready" in shown
    for text in ("tweets-large heavy", "90%", "10%", "0 of 1", "version 1, stable"):
        assert text in shown


@pytest.mark.usefixtures("deployed")
def test_it_is_read_in_80_columns(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = status().stdout

    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "tweets-large heavy" in shown


@pytest.mark.usefixtures("deployed")
def test_a_model_whose_requests_hang_on_one_task_is_told_what_a_second_would_buy(
    status: Status, aws: Callable[[str], Any]
) -> None:
    assert "min_tasks" not in status().stdout  # two slots with a task each
    groups = {
        each["TargetGroupName"]: each["TargetGroupArn"]
        for each in aws("elbv2").describe_target_groups()["TargetGroups"]
    }
    weights = [{"TargetGroupArn": groups["blue"], "Weight": 100}, {"TargetGroupArn": groups["green"], "Weight": 0}]
    balancer = aws("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listener = aws("elbv2").describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
    (rule,) = [each for each in aws("elbv2").describe_rules(ListenerArn=listener)["Rules"] if each["Priority"] == "1"]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    aws("elbv2").modify_rule(RuleArn=rule["RuleArn"], Actions=[action])

    assert "heavy.min_tasks: 2" in status().stdout

    aws("ecs").update_service(cluster="cluster", service="blue", desiredCount=2)
    assert "min_tasks" not in status().stdout


@pytest.mark.usefixtures("deployed")
def test_an_api_that_is_not_ready_is_told_with_its_reason(status: Status, handler: type[Handler]) -> None:
    handler.ready = False

    assert json.loads(status("--json").stdout)["api"] == "not ready: a model is missing"


def test_nothing_deployed_is_said_with_what_would_deploy_it(status: Status) -> None:
    error = status().exception

    assert isinstance(error, NotFoundError)
    assert "demo-serving" in str(error)
    assert "cdk deploy" in str(error)


@pytest.mark.parametrize(
    ("ready", "said"),
    [(False, "it is still starting, or its start was broken off"), (True, "it has ended; `make run`")],
)
def test_an_embedded_aws_that_is_not_up_is_named_with_the_way_out(
    status: Status, tmp_path: Path, ready: bool, said: str
) -> None:
    (tmp_path / ".slipway").mkdir()
    state = {
        "ready": ready,
        "api": "http://127.0.0.1:9",
        "emulator": "http://127.0.0.1:9",
        "region": REGION,
        "credentials": {"access_key_id": "a", "secret_access_key": "b"},
        "outputs": {},
    }
    (tmp_path / ".slipway/local.json").write_text(json.dumps(state), encoding="utf-8")

    error = status().exception

    assert isinstance(error, UnavailableError)
    assert said in str(error)


def test_a_state_that_cannot_be_read_is_named(status: Status, tmp_path: Path) -> None:
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway/local.json").write_text("{", encoding="utf-8")

    error = status().exception

    assert isinstance(error, ConfigError)
    assert "local.json" in str(error)
