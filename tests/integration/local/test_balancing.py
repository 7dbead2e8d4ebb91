"""Two slots behind a listener rule, as in the heavy tier: weights, health, and access through an API."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.environment import settings
from slipway.config.api import CALLER_HEADER

ADMINISTRATOR = Credentials(settings.ACCESS_KEY, settings.SECRET_KEY)
MAY_CALL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
    }
)
BY_IAM = "${context.identity.sourceIp} ${context.identity.userArn}"

Aws = Callable[[str], Any]

# Of 1,000 requests at 80/20, where 99.9 of 100 runs lie: 3.29 standard deviations of the binomial.
REQUESTS = 1000
SPREAD = 3.29 * (REQUESTS * 0.8 * 0.2) ** 0.5


class Slot:
    """A target that returns its name, with a health that the test sets."""

    def __init__(self, name: str, address: str) -> None:
        self.healthy = True
        slot = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status = 200 if slot.healthy or self.path != "/v2/health/ready" else 503
                self._answer(status, f"{name} {self.path}".encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(201, name.encode() + b" " + body)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("X-Slot", name)
                self.send_header("X-Caller", self.headers.get(CALLER_HEADER, ""))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer((address, 0), Handler)
        self.address, self.port = self.server.server_address[:2]

    @contextmanager
    def serving(self) -> Iterator["Slot"]:
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """Refuse connections, like a killed process."""
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Balancer:
    """A load balancer with one rule for /model/*, and the names of its parts."""

    host: str
    listener: str
    rule: str
    groups: dict[str, str]


@pytest.fixture
def slots() -> Iterator[dict[str, Slot]]:
    with Slot("blue", "127.0.0.2").serving() as blue, Slot("green", "127.0.0.3").serving() as green:
        yield {"blue": blue, "green": green}


@pytest.fixture
def balancer(aws: Aws, slots: dict[str, Slot]) -> Iterator[Balancer]:
    elbv2 = aws("elbv2")
    made = elbv2.create_load_balancer(Name="internal", Subnets=["subnet-1"])["LoadBalancers"][0]
    groups = {name: _group(elbv2, name, slot) for name, slot in slots.items()}
    listener = elbv2.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]["ListenerArn"]
    rule = elbv2.create_rule(
        ListenerArn=listener,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "Values": ["/model/*"]}],
        Actions=[by_weight(groups, blue=80, green=20)],
    )["Rules"][0]["RuleArn"]
    yield Balancer(made["DNSName"], listener, rule, groups)
    elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    for group in groups.values():
        elbv2.delete_target_group(TargetGroupArn=group)


@pytest.fixture
def get(emulator: str, balancer: Balancer) -> Iterator[Callable[[str], httpx.Response]]:
    """A GET to the load balancer."""
    with httpx.Client(base_url=emulator, headers={"Host": balancer.host}) as client:
        yield client.get


def _group(elbv2: Any, name: str, slot: Slot) -> str:
    made = elbv2.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=8080,
        TargetType="ip",
        HealthCheckPath="/v2/health/ready",
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=made, Targets=[{"Id": slot.address, "Port": slot.port}])
    return str(made)


def by_weight(groups: dict[str, str], **weights: int) -> dict[str, Any]:
    chosen = [{"TargetGroupArn": groups[name], "Weight": weight} for name, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": chosen}}


def counted(get: Callable[[str], httpx.Response], requests: int) -> Counter[str]:
    answers = [get("/model/predict") for _ in range(requests)]
    assert {answer.status_code for answer in answers} == {200}
    return Counter(answer.headers["x-slot"] for answer in answers)


def test_requests_follow_the_weights(get: Callable[[str], httpx.Response]) -> None:
    assert abs(counted(get, REQUESTS)["blue"] - 0.8 * REQUESTS) <= SPREAD


def test_a_rule_tells_its_weights_and_takes_new_ones(
    aws: Aws, balancer: Balancer, get: Callable[[str], httpx.Response]
) -> None:
    elbv2 = aws("elbv2")
    elbv2.modify_rule(RuleArn=balancer.rule, Actions=[by_weight(balancer.groups, blue=0, green=100)])

    action = elbv2.describe_rules(RuleArns=[balancer.rule])["Rules"][0]["Actions"][0]
    assert action["ForwardConfig"]["TargetGroups"] == [
        {"TargetGroupArn": balancer.groups["blue"], "Weight": 0},
        {"TargetGroupArn": balancer.groups["green"], "Weight": 100},
    ]
    assert counted(get, 20) == {"green": 20}


def test_other_paths_go_to_the_default_action(get: Callable[[str], httpx.Response]) -> None:
    assert get("/models").status_code == 404


def test_a_target_that_is_dead_is_left_out(
    aws: Aws, balancer: Balancer, slots: dict[str, Slot], get: Callable[[str], httpx.Response]
) -> None:
    counted(get, 5)
    slots["blue"].server.shutdown()
    slots["blue"].server.server_close()

    assert counted(get, 20) == {"green": 20}
    assert health(aws, balancer, "blue") == ["unhealthy"]
    assert health(aws, balancer, "green") == ["healthy"]


def test_a_target_that_is_not_ready_is_left_out(
    aws: Aws, balancer: Balancer, slots: dict[str, Slot], get: Callable[[str], httpx.Response]
) -> None:
    slots["green"].healthy = False

    assert health(aws, balancer, "green") == ["unhealthy"]
    assert counted(get, 20) == {"blue": 20}


def test_without_any_target_it_is_a_503(aws: Aws, balancer: Balancer, get: Callable[[str], httpx.Response]) -> None:
    aws("elbv2").modify_rule(RuleArn=balancer.rule, Actions=[by_weight(balancer.groups, blue=1)])
    target = aws("elbv2").describe_target_health(TargetGroupArn=balancer.groups["blue"])
    aws("elbv2").deregister_targets(
        TargetGroupArn=balancer.groups["blue"], Targets=[target["TargetHealthDescriptions"][0]["Target"]]
    )

    assert get("/model/predict").status_code == 503


def health(aws: Aws, balancer: Balancer, name: str) -> list[str]:
    found = aws("elbv2").describe_target_health(TargetGroupArn=balancer.groups[name])["TargetHealthDescriptions"]
    return [each["TargetHealth"]["State"] for each in found]


@pytest.fixture
def through_api(aws: Aws, emulator: str, balancer: Balancer) -> Iterator[Callable[..., httpx.Response]]:
    """Calls the load balancer through an HTTP API with a VPC link and IAM authorization, signed or not."""
    gateway = aws("apigatewayv2")
    api = gateway.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=balancer.listener,
        ConnectionType="VPC_LINK",
        ConnectionId="link",
        PayloadFormatVersion="1.0",
        RequestParameters={f"overwrite:header.{CALLER_HEADER}": BY_IAM},
    )["IntegrationId"]
    gateway.create_route(
        ApiId=api, RouteKey="ANY /model/{rest+}", Target=f"integrations/{integration}", AuthorizationType="AWS_IAM"
    )
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    with httpx.Client(base_url=emulator) as client:

        def call(
            method: str, path: str, *, body: bytes = b"", signed: bool = True, keys: Credentials = ADMINISTRATOR
        ) -> httpx.Response:
            url = f"{emulator}/_aws/execute-api/{api}/$default{path}"
            request = AWSRequest(method, url, data=body, headers={CALLER_HEADER: "somebody else"})
            if signed:
                SigV4Auth(keys, "execute-api", settings.REGION).add_auth(request)
            return client.request(method, url, content=body, headers=dict(request.headers))

        yield call
    gateway.delete_api(ApiId=api)


def test_an_api_reaches_the_slots_by_its_link(through_api: Callable[..., httpx.Response]) -> None:
    answer = through_api("POST", "/model/predict", body=b"a tweet")

    assert answer.status_code == 201
    assert answer.text.removeprefix(answer.headers["x-slot"]) == " a tweet"


def test_path_and_query_arrive_as_they_were_sent(through_api: Callable[..., httpx.Response]) -> None:
    assert through_api("GET", "/model/a%20b/predict?x=1").text.endswith(" /model/a%20b/predict?x=1")


def test_an_unsigned_request_does_not_reach_them(through_api: Callable[..., httpx.Response]) -> None:
    assert through_api("POST", "/model/predict", body=b"a tweet", signed=False).status_code == 403


def test_the_slots_are_told_who_calls_and_not_what_a_client_says(
    aws: Aws, through_api: Callable[..., httpx.Response]
) -> None:
    iam = aws("iam")
    told = []
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="call", PolicyDocument=MAY_CALL)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        told.append(through_api("GET", "/model/predict", keys=keys).headers["x-caller"])
    assert told == [f"127.0.0.1 arn:aws:iam::{settings.ACCOUNT}:user/{name}" for name in ("ann", "bob")]
