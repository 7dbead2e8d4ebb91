"""The heavy tier: the network, the services and their tasks, and their permissions."""

import json

import pytest
from support.heavy.templates import container_of, found, heavy_model, of_slot

from container.settings import Settings
from infra.constructs.heavy.task import WRITABLE
from slipway.config.deployment.zones import VPC_LINK_ZONES, without_vpc_links
from slipway.models.advice.terms import Given

SLOTS = ("Blue", "Green")
LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
FROM_FARGATE = {"ecr.api", "ecr.dkr", "logs", "ssm"}


def endpoints_of(templates, kind):
    """The services of the VPC's endpoints of a kind, without their common prefix."""
    endpoints = [endpoint["Properties"] for endpoint in templates.of_type("AWS::EC2::VPCEndpoint").values()]
    names = [json.dumps(each["ServiceName"]) for each in endpoints if each["VpcEndpointType"] == kind]
    return {name.rstrip('"]} ').rpartition('"')[2].removeprefix(".") for name in names}


class TestNetwork:
    def test_nothing_comes_in_or_goes_out_by_the_internet(self, heavy):
        for type_ in ("InternetGateway", "NatGateway", "EIP", "VPCGatewayAttachment"):
            assert not heavy.of_type(f"AWS::EC2::{type_}")
        assert found(heavy, "AWS::ElasticLoadBalancingV2::LoadBalancer", "Balancer")["Scheme"] == "internal"
        for slot in SLOTS:
            network = of_slot(heavy, "AWS::ECS::Service", slot)["NetworkConfiguration"]["AwsvpcConfiguration"]
            assert network["AssignPublicIp"] == "DISABLED"

    def test_there_are_subnets_in_two_zones(self, heavy):
        subnets = [subnet["Properties"] for subnet in heavy.of_type("AWS::EC2::Subnet").values()]
        assert [subnet["MapPublicIpOnLaunch"] for subnet in subnets] == [False, False]
        zones = [subnet["AvailabilityZoneId"]["Fn::FindInMap"] for subnet in subnets]
        assert [zone[1:] for zone in zones] == [[{"Ref": "AWS::Region"}, place] for place in ("First", "Second")]
        assert not [subnet for subnet in subnets if "AvailabilityZone" in subnet]

    def test_zones_are_chosen_by_id_among_those_with_vpc_links(self, heavy):
        (zones,) = heavy.heavy["Mappings"].values()
        assert set(zones) == set(VPC_LINK_ZONES)
        assert zones["us-east-1"] == {"First": "use1-az1", "Second": "use1-az2"}
        assert zones["eu-west-3"] == {"First": "euw3-az1", "Second": "euw3-az3"}
        assert not without_vpc_links([zone for places in zones.values() for zone in places.values()])

    def test_a_project_may_name_its_zones(self, synthesize):
        zones = ["use1-az5", "use1-az6"]
        network = f"network: {{ nat_gateways: 2, zone_ids: [{', '.join(zones)}] }}"
        natted = synthesize(models=heavy_model(), rest=network)
        subnets = [subnet["Properties"] for subnet in natted.of_type("AWS::EC2::Subnet").values()]
        assert [subnet["AvailabilityZoneId"] for subnet in subnets] == [*zones, *zones]
        assert "Mappings" not in natted.heavy

    def test_only_the_one_before_may_call_each(self, heavy):
        rules = [rule["Properties"] for rule in heavy.of_type("AWS::EC2::SecurityGroupIngress").values()]
        allowed = {(_group(rule["SourceSecurityGroupId"]), _group(rule["GroupId"]), rule["ToPort"]) for rule in rules}
        assert allowed == {
            ("NetworkLink", "NetworkBalancer", 80),
            ("NetworkTasks", "NetworkBalancer", 80),
            ("NetworkBalancer", "NetworkTasks", 8080),
            ("NetworkTasks", "NetworkEndpoints", 443),
        }
        groups = heavy.of_type("AWS::EC2::SecurityGroup").values()
        assert not [group for group in groups if "SecurityGroupIngress" in group["Properties"]]

    def test_only_the_next_may_be_called_by_each(self, heavy):
        rules = [rule["Properties"] for rule in heavy.of_type("AWS::EC2::SecurityGroupEgress").values()]
        allowed = {(_group(rule["GroupId"]), _group(rule["DestinationSecurityGroupId"])) for rule in rules}
        link, balancer, tasks = "NetworkLink", "NetworkBalancer", "NetworkTasks"
        assert allowed == {(link, balancer), (balancer, tasks), (tasks, balancer)}
        inline = {
            id_.rstrip("0123456789ABCDEF"): [rule["CidrIp"] for rule in group["Properties"]["SecurityGroupEgress"]]
            for id_, group in heavy.of_type("AWS::EC2::SecurityGroup").items()
        }
        nothing = ["255.255.255.255/32"]
        assert inline == {link: nothing, balancer: nothing, tasks: ["0.0.0.0/0"], "NetworkEndpoints": nothing}

    def test_tasks_reach_aws_by_endpoints(self, heavy, gpu):
        assert endpoints_of(heavy, "Gateway") == endpoints_of(gpu, "Gateway") == {"s3", "dynamodb"}
        assert endpoints_of(heavy, "Interface") == FROM_FARGATE
        assert endpoints_of(gpu, "Interface") == set()

    def test_the_advice_counts_the_endpoints_that_there_are(self):
        assert set(Given().fargate_endpoints) == FROM_FARGATE

    def test_nat_gateways_take_the_place_of_interface_endpoints(self, synthesize):
        natted = synthesize(models=heavy_model(), rest="network: { nat_gateways: 1, cidr: 10.7.0.0/20 }")
        assert len(natted.of_type("AWS::EC2::NatGateway")) == 1
        assert endpoints_of(natted, "Interface") == set()
        assert found(natted, "AWS::EC2::VPC", "Network")["CidrBlock"] == "10.7.0.0/20"
        assert found(natted, "AWS::ElasticLoadBalancingV2::LoadBalancer", "Balancer")["Scheme"] == "internal"


@pytest.mark.parametrize("slot", SLOTS)
class TestSlot:
    def test_new_tasks_that_do_not_become_ready_are_taken_back(self, heavy, slot):
        deployment = of_slot(heavy, "AWS::ECS::Service", slot)["DeploymentConfiguration"]
        assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        assert of_slot(heavy, "AWS::ECS::Service", slot)["HealthCheckGracePeriodSeconds"] == 120
        assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
        alarms = [name["Ref"].rstrip("0123456789ABCDEF") for name in deployment["Alarms"]["AlarmNames"]]
        assert alarms == [f"TinyLargeAlarms{slot}Faults", f"TinyLargeAlarms{slot}Latency"]
        assert deployment["Alarms"]["Rollback"] is True

    def test_the_target_group_asks_for_readiness_and_waits_for_the_drain(self, heavy, slot):
        group = of_slot(heavy, "AWS::ElasticLoadBalancingV2::TargetGroup", slot)
        assert (group["HealthCheckPath"], group["Matcher"]) == ("/v2/health/ready", {"HttpCode": "200"})
        attributes = {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}
        assert attributes["deregistration_delay.timeout_seconds"] == "30"
        assert container_of(heavy, slot)["StopTimeout"] == 30
        # A process that died starts again in its task.
        assert container_of(heavy, slot)["RestartPolicy"] == {"Enabled": True, "RestartAttemptPeriod": 60}
        assert attributes["stickiness.enabled"] == "false"

    def test_tasks_follow_the_processors_and_the_requests(self, heavy, slot):
        target = of_slot(heavy, "AWS::ApplicationAutoScaling::ScalableTarget", slot)
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
        policies = [
            policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
            for name, policy in heavy.of_type("AWS::ApplicationAutoScaling::ScalingPolicy").items()
            if name.startswith(f"TinyLargeModel{slot}")
        ]
        assert {
            policy["PredefinedMetricSpecification"]["PredefinedMetricType"]: policy["TargetValue"]
            for policy in policies
        } == {"ECSServiceAverageCPUUtilization": 60, "ALBRequestCountPerTarget": 20_000}

    def test_a_container_is_nobody_and_writes_nowhere_but_to_tmp(self, heavy, slot):
        container = container_of(heavy, slot)
        assert container["User"] == "10001:10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert [mount["ContainerPath"] for mount in container["MountPoints"]] == [WRITABLE]
        assert "Privileged" not in container

    def test_a_log_that_is_down_holds_up_nothing(self, heavy, slot):
        options = container_of(heavy, slot)["LogConfiguration"]["Options"]
        assert (options["mode"], options["awslogs-stream-prefix"]) == ("non-blocking", slot.lower())
        assert options["awslogs-group"]["Ref"].startswith("TinyLargeModelLogs")

    def test_the_container_finds_what_the_template_gives_it(self, heavy, slot):
        container = container_of(heavy, slot)
        environment = {each["Name"]: _table(each["Value"]) for each in container["Environment"]}
        (secret,) = container["Secrets"]
        assert json.dumps(secret["ValueFrom"]).endswith(f':parameter/tiny/tiny-large/{slot.lower()}/version"]]}}')
        settings = Settings.of({**environment, secret["Name"]: "3"})
        assert (settings.model, settings.slot, settings.version) == ("tiny-large", slot.lower(), 3)
        assert (settings.control_table, settings.model_bucket) == ("Control", "ModelsBucket")
        assert (settings.features_table, settings.predictions_table) == (None, "Predictions")
        assert (settings.balancer, settings.id_keys) == ("http://DNSName", "/tiny/id-keys")
        assert set(environment) == {
            *(
                "AWS_REGION",
                "AWS_DEFAULT_REGION",
                "SLIPWAY_MODEL",
                "SLIPWAY_SLOT",
                "SLIPWAY_CONTROL_TABLE",
                "SLIPWAY_MODEL_BUCKET",
            ),
            *(
                "SLIPWAY_PREDICTIONS_TABLE",
                "SLIPWAY_BALANCER",
                "SLIPWAY_ID_KEYS",
                "POWERTOOLS_SERVICE_NAME",
                "POWERTOOLS_LOG_LEVEL",
            ),
        }
        assert settings.port == container["PortMappings"][0]["ContainerPort"]

    def test_a_gpu_model_runs_on_instances_that_ecs_manages(self, gpu, slot):
        task = of_slot(gpu, "AWS::ECS::TaskDefinition", slot)
        assert task["RequiresCompatibilities"] == ["MANAGED_INSTANCES"]
        assert (task["Cpu"], task["Memory"]) == ("3072", "12000")
        assert container_of(gpu, slot)["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]
        service = of_slot(gpu, "AWS::ECS::Service", slot)
        (strategy,) = service["CapacityProviderStrategy"]
        assert strategy["CapacityProvider"]["Ref"].startswith("TinyLargeModelGpus")
        assert "LaunchType" not in service


def test_the_name_of_the_instances_role_is_of_one_stack_in_one_region(gpu):
    role = found(gpu, "AWS::IAM::Role", "TinyLargeModelGpusProviderInstanceRole")["RoleName"]
    profile = found(gpu, "AWS::IAM::InstanceProfile", "TinyLargeModelGpusProvider")["InstanceProfileName"]
    first, region = role["Fn::Join"][1]
    assert first.startswith("ecsInstanceRole-tiny-heavy-")  # as AWS's policy for ECS asks for
    assert region == {"Ref": "AWS::Region"}
    assert profile == role
    assert len(first) + len("ap-southeast-1") <= 64


def test_instances_have_the_gpus_of_one_task(gpu):
    provider = found(gpu, "AWS::ECS::CapacityProvider", "TinyLargeModelGpus")["ManagedInstancesProvider"]
    wanted = provider["InstanceLaunchTemplate"]["InstanceRequirements"]
    assert wanted["AcceleratorCount"] == {"Min": 1, "Max": 1}
    assert (wanted["AcceleratorTypes"], wanted["AcceleratorManufacturers"]) == (["gpu"], ["nvidia"])
    assert (wanted["VCpuCount"], wanted["MemoryMiB"]) == ({"Min": 3}, {"Min": 12000})
    assert wanted["AllowedInstanceTypes"] == ["g6.*"]


def test_settings_of_the_model_reach_its_tasks(synthesize):
    section = (
        "heavy: { cpu: 4, memory_mb: 8192, architecture: arm64, min_tasks: 2, max_tasks: 9, target_cpu_percent: 70, "
        "target_requests_per_task: 900, stop_timeout_seconds: 60 }, cache: { enabled: false }"
    )
    changed = synthesize(models=heavy_model(section))
    for slot in SLOTS:
        task = of_slot(changed, "AWS::ECS::TaskDefinition", slot)
        assert (task["Cpu"], task["Memory"]) == ("4096", "8192")
        assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
        target = of_slot(changed, "AWS::ApplicationAutoScaling::ScalableTarget", slot)
        assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 9)
        assert container_of(changed, slot)["StopTimeout"] == 60
        names = {each["Name"] for each in container_of(changed, slot)["Environment"]}
        assert "SLIPWAY_PREDICTIONS_TABLE" not in names
    assert not [s for s in statements_of(changed, "Role") if "Predictions" in json.dumps(s)]


def test_the_cluster_is_watched(heavy):
    (cluster,) = heavy.of_type("AWS::ECS::Cluster").values()
    assert cluster["Properties"]["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}]


ID_KEYS = "parameter/tiny/id-keys"


def statements_of(templates, role):
    """Each statement of one of the model's roles as (actions, resources, condition)."""
    policy = found(templates, "AWS::IAM::Policy", f"TinyLargeModel{role}DefaultPolicy")
    return [
        (_actions(s), [_resource(each) for each in _list(s["Resource"])], s.get("Condition"))
        for s in policy["PolicyDocument"]["Statement"]
    ]


def test_the_code_reads_its_own_versions_and_uses_the_cache(heavy):
    own_records = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["model#tiny-large"]}}
    own_predictions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["tiny-large#*"]}}
    assert statements_of(heavy, "Role") == [
        (["dynamodb:BatchGetItem", "dynamodb:Query"], ["Control"], own_records),
        (["s3:GetObject"], ["ModelsBucket/models/tiny-large/*"], None),
        (["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"], ["Predictions"], own_predictions),
        (["ssm:GetParameter"], [ID_KEYS], None),
        (["ssm:PutParameter"], [ID_KEYS], None),
        (["not ssm:PutParameter"], [ID_KEYS], {"StringEquals": {"ssm:Overwrite": ["true"]}}),
    ]


@pytest.mark.parametrize("slot", SLOTS)
def test_a_model_that_starts_slowly_gets_that_time_before_its_checks_count(synthesize, slot):
    slow = synthesize(models=heavy_model("heavy: { start_seconds: 1500 }"))
    assert of_slot(slow, "AWS::ECS::Service", slot)["HealthCheckGracePeriodSeconds"] == 1500


def test_the_code_reads_features_only_where_a_version_may_have_some(synthesize):
    # Version 9 is not beside slipway.yaml, so what it reads is not known.
    reading = synthesize(models=heavy_model().replace("[1, 2]", "[1, 9]"))
    assert (["dynamodb:BatchGetItem"], ["Features"], None) in statements_of(reading, "Role")


def test_to_start_a_task_ecs_reads_its_version_and_writes_its_log(heavy):
    assert statements_of(heavy, "StartRole") == [
        (LOGS, ["TinyLargeModelLogs"], None),
        (["ssm:GetParameters"], [f"parameter/tiny/tiny-large/{slot.lower()}/version" for slot in SLOTS], None),
    ]


def _actions(statement):
    denied = "not " if statement["Effect"] == "Deny" else ""
    return [denied + action for action in _list(statement["Action"])]


def _group(reference_):
    return reference_["Fn::GetAtt"][0].rstrip("0123456789ABCDEF")


def _table(value):
    """A variable's value, with references replaced by their targets' names."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        scheme, name = value["Fn::Join"][1]
        return f"{scheme}{name['Fn::GetAtt'][1]}"
    if value == {"Ref": "AWS::Region"}:
        return "eu-west-1"
    return value["Fn::ImportValue"].removeprefix("tiny-state:ExportsOutputRef")[:-16].rstrip("0123456789ABCDEF")


def _list(value):
    return value if isinstance(value, list) else [value]


def _resource(value):
    if "Fn::GetAtt" in value:
        return _group(value)
    if "Fn::ImportValue" in value:
        exported = value["Fn::ImportValue"].removeprefix("tiny-state:ExportsOutputFnGetAtt")
        return next(
            each for each in ("Control", "Features", "Predictions", "ModelsBucket") if exported.startswith(each)
        )
    parts = value["Fn::Join"][1]
    return parts[-1].lstrip(":") if parts[0] == "arn:" else f"{_resource(parts[0])}{parts[-1]}"
