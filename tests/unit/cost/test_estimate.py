"""The bill of small templates, by hand."""

from decimal import Decimal
from typing import Any

import pytest

from slipway.cost.bill import Bill, cents, difference, total
from slipway.cost.catalogue import BY_USE, FREE
from slipway.cost.estimate import estimate
from slipway.cost.prices import load_prices
from slipway.cost.standing import PRICED
from slipway.errors import ConfigError, NotFoundError

PRICES = load_prices("us-east-1")


def of(**resources: tuple[str, dict[str, Any]]) -> Bill:
    found = {name: {"Type": type_, "Properties": properties} for name, (type_, properties) in resources.items()}
    return estimate({"stack": {"Resources": found}}, PRICES)


def amounts(bill: Bill) -> dict[str, str]:
    return {line.item: str(cents(line.amount)) for line in bill.idle}


def test_alarms_are_charged_by_the_metrics_that_they_watch_beyond_the_free_ones() -> None:
    plain = {f"A{n}": ("AWS::CloudWatch::Alarm", {"MetricName": "Errors"}) for n in range(10)}
    assert amounts(of(**plain)) == {"Alarms": "0.00"}
    queries = [{"Expression": "a / b"}, {"MetricStat": {}}, {"MetricStat": {}}]
    assert amounts(of(**plain, B=("AWS::CloudWatch::Alarm", {"Metrics": queries}))) == {"Alarms": "0.20"}


def test_the_fourth_dashboard_costs_money() -> None:
    boards = {f"D{n}": ("AWS::CloudWatch::Dashboard", {}) for n in range(4)}
    assert amounts(of(**boards)) == {"Dashboards": "3.00"}


def test_a_function_on_a_clock_is_charged_through_its_alias() -> None:
    handler = "functions.controller.handler.handler"
    bill = of(
        Function=("AWS::Lambda::Function", {"MemorySize": 1024, "Handler": handler}),
        Alias=("AWS::Lambda::Alias", {"FunctionName": {"Ref": "Function"}}),
        Rule=("AWS::Events::Rule", {"ScheduleExpression": "rate(1 minute)", "Targets": [{"Arn": {"Ref": "Alias"}}]}),
    )
    found = {line.item: line for line in bill.idle}
    assert found["Scheduled controller: calls"].quantity == Decimal("0.0438")
    assert found["Scheduled controller: duration"].amount == Decimal("4380") * Decimal("0.0000133334")
    assert cents(total(bill.idle)) == Decimal("0.09")


@pytest.mark.parametrize(
    ("expression", "calls"), [("rate(1 minute)", "43800"), ("rate(5 minutes)", "8760"), ("rate(1 hour)", "730")]
)
def test_a_rate_is_calls_a_month(expression: str, calls: str) -> None:
    targets = [{"Arn": {"Fn::GetAtt": ["F", "Arn"]}}]
    bill = of(
        F=("AWS::Lambda::Function", {}),
        Rule=("AWS::Events::Rule", {"ScheduleExpression": expression, "Targets": targets}),
    )
    assert bill.idle[0].quantity * 1_000_000 == Decimal(calls)


def test_a_schedule_that_cannot_be_counted_is_not_priced() -> None:
    bill = of(Rule=("AWS::Events::Rule", {"ScheduleExpression": "cron(0 12 * * ? *)"}))
    assert bill.unpriced == {"AWS::Events::Rule": 1}
    machine = [{"Arn": {"Ref": "Machine"}}]
    bill = of(
        Machine=("AWS::StepFunctions::StateMachine", {}),
        Rule=("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)", "Targets": machine}),
    )
    assert bill.unpriced == {"AWS::Events::Rule": 1}
    assert not of(Rule=("AWS::Events::Rule", {"EventPattern": {}})).unpriced


def test_the_network_is_charged_by_the_hour_and_the_zone() -> None:
    endpoint = {"VpcEndpointType": "Interface", "SubnetIds": [{"Ref": "A"}, {"Ref": "B"}]}
    bill = of(
        Balancer=("AWS::ElasticLoadBalancingV2::LoadBalancer", {}),
        Logs=("AWS::EC2::VPCEndpoint", endpoint),
        S3=("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}),
        Nat=("AWS::EC2::NatGateway", {}),
        Address=("AWS::EC2::EIP", {}),
    )
    assert amounts(bill) == {
        "Load balancers": "16.43",  # 730 × 0.0225
        "VPC endpoints, by zone": "14.60",  # 2 × 730 × 0.01
        "NAT gateways": "32.85",  # 730 × 0.045
        "Public addresses": "3.65",  # 730 × 0.005
    }


def service(architecture: str, *, tasks: int = 1) -> Bill:
    reference = {"Fn::Join": ["", ["service/", {"Ref": "C"}, "/", {"Fn::GetAtt": ["BlueService1", "Name"]}]]}
    platform = {"CpuArchitecture": architecture}
    return of(
        Task=("AWS::ECS::TaskDefinition", {"Cpu": "2048", "Memory": "4096", "RuntimePlatform": platform}),
        BlueService1=("AWS::ECS::Service", {"LaunchType": "FARGATE", "TaskDefinition": {"Ref": "Task"}}),
        Target=("AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": tasks, "ResourceId": reference}),
    )


def test_fargate_is_charged_by_processors_and_memory_of_the_least_tasks() -> None:
    # 730 × (2 × 0.03238 + 4 × 0.00356) = 57.67
    assert cents(total(service("ARM64").idle)) == Decimal("57.67")
    assert cents(total(service("ARM64", tasks=3).idle)) == Decimal("173.01")
    assert cents(total(service("X86_64").idle)) == Decimal("72.08")


def gpu_service(*types: str) -> Bill:
    wanted = {"AllowedInstanceTypes": list(types), "VCpuCount": {"Min": 3}, "MemoryMiB": {"Min": 12_000}}
    launch = {"InstanceLaunchTemplate": {"InstanceRequirements": wanted}}
    strategy = [{"CapacityProvider": {"Ref": "Provider"}, "Weight": 1}]
    task = {"TaskDefinition": {"Ref": "Task"}, "CapacityProviderStrategy": strategy}
    return of(
        Task=("AWS::ECS::TaskDefinition", {}),
        Provider=("AWS::ECS::CapacityProvider", {"ManagedInstancesProvider": launch}),
        BlueService=("AWS::ECS::Service", task),
    )


def test_gpus_are_the_cheapest_instance_that_fits() -> None:
    bill = gpu_service("g4dn.*", "g6.*")
    assert "g4dn.xlarge" in bill.idle[0].how
    assert cents(total(bill.idle)) == Decimal("420.33")  # 730 × 0.526 × 1.078 + 80 × 0.08
    assert not bill.unpriced


def test_a_service_on_instances_of_no_known_price_is_not_priced() -> None:
    assert gpu_service("p5.*").unpriced == {"AWS::ECS::Service": 1}


def gpu_training(gpus: int = 1, **launch: str) -> Bill:
    wanted = {"AllowedInstanceTypes": ["g6.*"], "VCpuCount": {"Min": 3}, "MemoryMiB": {"Min": 12_288}}
    requirements = {**wanted, "AcceleratorCount": {"Min": gpus, "Max": gpus}}
    provider = {"InstanceLaunchTemplate": {"InstanceRequirements": requirements, **launch}}
    return of(
        Task=("AWS::ECS::TaskDefinition", {}),
        RerankerGpusProvider1=("AWS::ECS::CapacityProvider", {"ManagedInstancesProvider": provider}),
    )


def test_training_of_a_model_with_gpus_in_its_name_is_charged_under_this_name() -> None:
    wanted = {"AllowedInstanceTypes": ["g6.*"], "VCpuCount": {"Min": 3}, "MemoryMiB": {"Min": 12_288}}
    launch = {"InstanceLaunchTemplate": {"InstanceRequirements": {**wanted, "AcceleratorCount": {"Min": 1, "Max": 1}}}}
    provider = ("AWS::ECS::CapacityProvider", {"ManagedInstancesProvider": launch})
    bill = of(Task=("AWS::ECS::TaskDefinition", {}), MyGpusRankerGpusProvider1=provider)
    assert bill.training[0].item == "Training MyGpusRanker: instance"


def test_gpus_of_training_are_charged_by_the_hour_of_a_run_and_never_when_idle() -> None:
    bill = gpu_training()
    assert not bill.idle
    assert not bill.unpriced
    assert [line.item for line in bill.training] == [
        "Training Reranker: instance",
        "Training Reranker: volume",
        "Training Reranker: public address",
    ]
    assert bill.training[0].how == "g6.xlarge"
    assert cents(total(bill.training)) == Decimal("0.89")  # 0.8048 × 1.078, 80 × 0.08 / 730, and 0.005


def test_the_price_of_spot_is_said_to_be_lower() -> None:
    assert "Spot costs less" in gpu_training(CapacityOptionType="SPOT").training[0].how


def test_training_on_more_gpus_than_a_known_instance_has_is_not_priced() -> None:
    bill = gpu_training(gpus=4)
    assert not bill.training
    assert bill.unpriced == {"AWS::ECS::CapacityProvider": 1}


def test_a_heavy_model_on_gpus_has_no_hours_of_training() -> None:
    assert not gpu_service("g4dn.*").training


def test_snapshots_are_charged_once_for_each_deploy() -> None:
    bill = of(
        F=("AWS::Lambda::Function", {"MemorySize": 2048, "SnapStart": {"ApplyOn": "PublishedVersions"}}),
        G=("AWS::Lambda::Function", {"MemorySize": 2048}),
        V=("AWS::Lambda::Version", {"FunctionName": {"Ref": "F"}}),
        W=("AWS::Lambda::Version", {"FunctionName": {"Ref": "G"}}),
    )
    assert cents(total(bill.deploy)) == Decimal("3.64")  # 2 GB × 14 × 86,400 s × 0.0000015046
    assert not bill.idle


def test_a_snapshot_that_a_schedule_keeps_in_use_is_charged_each_month() -> None:
    bill = of(
        F=("AWS::Lambda::Function", {"MemorySize": 2048, "SnapStart": {"ApplyOn": "PublishedVersions"}}),
        V=("AWS::Lambda::Version", {"FunctionName": {"Ref": "F"}}),
        A=("AWS::Lambda::Alias", {"FunctionName": {"Ref": "F"}}),
        R=("AWS::Events::Rule", {"ScheduleExpression": "rate(3 days)", "Targets": [{"Arn": {"Ref": "A"}}]}),
    )
    assert amounts(bill)["SnapStart snapshots"] == "7.91"  # 2 GB × 730 × 3,600 s × 0.0000015046
    assert not bill.deploy


def test_two_schedules_of_one_function_are_added_up() -> None:
    targets = [{"Arn": {"Fn::GetAtt": ["F", "Arn"]}}]
    bill = of(
        F=("AWS::Lambda::Function", {}),
        Hourly=("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)", "Targets": targets}),
        Daily=("AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)", "Targets": targets}),
    )
    assert [line.quantity for line in bill.idle if line.item.endswith("calls")] == [Decimal("0.00076")]


def test_a_million_requests_to_a_light_model() -> None:
    handler = "functions.predict.handler.handler"
    bill = of(
        Api=("AWS::ApiGatewayV2::Api", {}),
        Predict=("AWS::Lambda::Function", {"MemorySize": 1024, "Handler": handler}),
    )
    # 1.00 + 0.20 + 10,000 GB-s × 0.0000133334 + 1.5 GB × 0.50
    assert cents(total(bill.requests["light"])) == Decimal("2.08")
    assert "heavy" not in bill.requests


def test_a_type_that_nobody_knows_is_listed_and_not_dropped() -> None:
    bill = of(A=("AWS::RDS::DBInstance", {}), B=("AWS::RDS::DBInstance", {}), C=("AWS::IAM::Role", {}))
    assert bill.unpriced == {"AWS::RDS::DBInstance": 2}


@pytest.mark.parametrize(("tier", "unpriced"), [(None, {}), ("Advanced", {"AWS::SSM::Parameter": 1})])
def test_only_standard_parameters_are_free(tier: str | None, unpriced: dict[str, int]) -> None:
    assert of(P=("AWS::SSM::Parameter", {"Tier": tier} if tier else {})).unpriced == unpriced


def test_no_type_is_in_two_of_the_lists() -> None:
    assert not FREE & BY_USE.keys()
    assert not FREE & PRICED
    assert not BY_USE.keys() & PRICED


def test_the_difference_names_what_comes_and_goes() -> None:
    before = of(Nat=("AWS::EC2::NatGateway", {}), Key=("AWS::KMS::Key", {}))
    after = of(Nat=("AWS::EC2::NatGateway", {}), Balancer=("AWS::ElasticLoadBalancingV2::LoadBalancer", {}))
    changes = {change.item: (cents(change.before), cents(change.after)) for change in difference(before, after)}
    assert changes == {
        "Load balancers": (Decimal("0.00"), Decimal("16.43")),
        "KMS keys": (Decimal("1.00"), Decimal("0.00")),
    }


def test_a_region_without_prices_names_those_with() -> None:
    with pytest.raises(NotFoundError, match="us-east-1, us-west-2, eu-west-1"):
        load_prices("mars-north-1")


def test_prices_are_exact_and_differ_by_region() -> None:
    assert PRICES["lambda_gb_second"] == Decimal("0.0000133334")
    assert load_prices("eu-central-1")["nat_gateway_hour"] == Decimal("0.052")


def test_a_price_file_with_a_mistake_names_it(tmp_path) -> None:
    (tmp_path / "prices.yaml").write_text("as_of: 2026-01-01\nsources: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="regions: is required"):
        load_prices("us-east-1", tmp_path / "prices.yaml")
