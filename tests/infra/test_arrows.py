"""Every arrow between two services, in the templates of eleven configurations: what it points at allows it.

The embedded AWS accepts arrows that an account refuses.
"""

import pytest
from support.arrows.kinds import KINDS, checked, problems
from support.arrows.templates import World, read_templates
from support.heavy.templates import heavy_model

CAPTURED = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }\n"
JWT = "api: { authorization: jwt, jwt: { issuer: 'https://id.example.com', audience: [slipway] } }\n"
MAIL = "monitoring: { alarms: { email: ml@example.com }, releases: { email: ml@example.com } }\n"
NAT = "network: { nat_gateways: 2 }\n"


@pytest.fixture(scope="module")
def worlds(shipped, templates, heavy, gpu, request):
    """The eleven configurations."""
    synthesize, batching = request.getfixturevalue("synthesize"), request.getfixturevalue("batching")
    training = request.getfixturevalue("training")
    registry = "  tiny-tabular: { versions: [1, 3], stable: 1, capture: { sample: 1 } }\n"
    synthesized = {
        "shipped": shipped,
        "jwt": synthesize(models=CAPTURED, rest=JWT + MAIL),
        "gpu": gpu,
        "batch": batching,
        "light only": templates,
        "NAT": synthesize(models=CAPTURED + heavy_model("capture: { sample: 0.1 }"), rest=NAT),
        "no captures": heavy,
        "training": training,
        "training on GPUs": request.getfixturevalue("gpu_training"),
        "histories": synthesize(history="    history: true\n"),
        "registry versions": synthesize(models=registry + heavy_model().replace("[1, 2]", "[1, 9]")),
    }
    return {name: World(read_templates(each.folder)) for name, each in synthesized.items()}


NAMES = (
    *("shipped", "jwt", "gpu", "batch", "light only", "NAT", "no captures", "training", "histories"),
    *("training on GPUs", "registry versions"),
)


@pytest.mark.parametrize("name", NAMES)
def test_every_arrow_is_allowed_at_its_end(worlds, name):
    assert problems(worlds[name]) == []


def test_every_kind_of_arrow_occurs(worlds):
    """A kind that no configuration has would be checked by nothing."""
    assert {kind for world in worlds.values() for kind in checked(world)} == set(KINDS)


def _drop_statement(resources, sid):
    for each in resources.values():
        if each["Type"] == "AWS::SNS::TopicPolicy":
            document = each["Properties"]["PolicyDocument"]
            document["Statement"] = [s for s in document["Statement"] if s.get("Sid") != sid]


def _drop(resources, type_, part=""):
    for id_ in [id_ for id_, each in resources.items() if each["Type"] == type_ and part in id_]:
        del resources[id_]


def _forget_account(resources):
    for each in resources.values():
        if each["Type"] == "AWS::IAM::Role":
            for statement in each["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
                statement.pop("Condition", None)


def _forget_log_name(resources):
    for each in resources.values():
        if each["Type"] == "AWS::Logs::LogGroup":
            each["Properties"].pop("LogGroupName", None)


def _forget_egress(resources):
    for each in resources.values():
        if each["Type"] == "AWS::EC2::SecurityGroup":
            each["Properties"].pop("SecurityGroupEgress", None)


def _add_unknown_type(resources):
    resources["Pipe"] = {"Type": "AWS::Pipes::Pipe", "Properties": {"Source": "a", "Target": "b"}}


def _add_unknown_property(resources):
    for each in resources.values():
        if each["Type"] == "AWS::Lambda::Function":
            each["Properties"]["DeadLetterConfig"] = {"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:lost"}


def _close_streams(resources):
    for each in resources.values():
        if each["Type"] == "AWS::DynamoDB::Table":
            each["Properties"].pop("StreamSpecification", None)


def _forget_statements(action):
    def forget(resources):
        for each in resources.values():
            if each["Type"] == "AWS::IAM::Policy":
                document = each["Properties"]["PolicyDocument"]
                document["Statement"] = [s for s in document["Statement"] if action not in s["Action"]]

    return forget


FAULTS = {
    "a topic that refuses alarms": (
        lambda r: _drop_statement(r, "AlarmsMayPublish"),
        "AlarmActions: nothing",
    ),
    "functions that nobody may call": (lambda r: _drop(r, "AWS::Lambda::Permission"), "IntegrationUri: nothing"),
    "rules of nobody": (lambda r: _drop(r, "AWS::Lambda::Permission", "EachMinute"), "Targets.Arn: nothing"),
    "log groups of nobody": (lambda r: _drop(r, "AWS::Lambda::Permission", "Captures"), "DestinationArn: nothing"),
    "roles without rights": (lambda r: _drop(r, "AWS::IAM::Policy"), "LogGroup: nothing"),
    "secrets that are nowhere": (lambda r: _drop(r, "AWS::SSM::Parameter"), "ValueFrom: nothing"),
    "roles for any account": (_forget_account, "Role: nothing"),
    "a log outside of vended logs": (_forget_log_name, "AccessLogSettings.DestinationArn: nothing"),
    "a balancer that nobody reaches": (lambda r: _drop(r, "AWS::EC2::SecurityGroupIngress"), "TargetGroupArn: nothing"),
    "groups open to everything": (_forget_egress, "says no egress"),
    "a type nobody knows": (_add_unknown_type, "AWS::Pipes::Pipe: of this type"),
    "a property nobody knows": (_add_unknown_property, "DeadLetterConfig.TargetArn: no such kind"),
}


STREAM_FAULTS = {
    "a table without a stream": (_close_streams, "EventSourceArn: nothing"),
    "a stream that may not be read": (_forget_statements("dynamodb:GetRecords"), "EventSourceArn: nothing"),
    "streams that may not be listed": (_forget_statements("dynamodb:ListStreams"), "EventSourceArn: nothing"),
    "failures that may not be written": (_forget_statements("s3:PutObject"), "OnFailure.Destination: nothing"),
}


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_fault_of_a_stream_is_found(recording, fault):
    inject, said = STREAM_FAULTS[fault]
    templates = read_templates(recording.folder)
    for template in templates.values():
        inject(template["Resources"])
    assert [problem for problem in problems(World(templates)) if said in problem]


def _forget_starter(resources):
    for each in resources.values():
        if each["Type"] == "AWS::Events::Rule":
            each["Properties"]["Targets"][0].pop("RoleArn", None)


def _confine_to(cluster):
    def confine(resources):
        for each in resources.values():
            if each["Type"] == "AWS::IAM::Policy":
                for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                    if "ecs:cluster" in statement.get("Condition", {}).get("ArnEquals", {}):
                        statement["Condition"]["ArnEquals"]["ecs:cluster"] = cluster

    return confine


BATCH_FAULTS = {
    "functions that may not be called": (_forget_statements("lambda:InvokeFunction"), "RoleArn: nothing"),
    "tasks in another cluster": (_confine_to("elsewhere"), "RoleArn: nothing"),
    "tasks that may not be run": (_forget_statements("ecs:RunTask"), "RoleArn: nothing"),
    "roles that may not be passed": (_forget_statements("iam:PassRole"), "RoleArn: nothing"),
    "items that may not be read": (_forget_statements("s3:GetObject"), "(state): nothing"),
    "tasks that may not be stopped": (_forget_statements("ecs:StopTask"), "RoleArn: nothing"),
    "ends of tasks that nobody tells of": (_forget_statements("events:PutRule"), "RoleArn: nothing"),
    "a schedule that may not start a job": (_forget_statements("states:StartExecution"), "Targets.Arn: nothing"),
    "a schedule without a role": (_forget_starter, "Targets.Arn: nothing"),
    "a role of nobody": (_forget_account, "RoleArn: nothing"),
    "answers that may not be written": (_forget_statements("dynamodb:BatchWriteItem"), "(variable): nothing"),
}


@pytest.mark.parametrize("fault", BATCH_FAULTS)
def test_a_fault_of_batch_jobs_is_found(batching, fault):
    inject, said = BATCH_FAULTS[fault]
    templates = read_templates(batching.folder)
    inject(templates["tiny-batch"]["Resources"])
    assert [problem for problem in problems(World(templates)) if said in problem]


def _move_providers(resources):
    for each in resources.values():
        if each["Type"] == "AWS::ECS::CapacityProvider":
            each["Properties"]["ClusterName"] = "elsewhere"


def _forget_managed_policies(resources):
    for each in resources.values():
        each.get("Properties", {}).pop("ManagedPolicyArns", None)


GPU_FAULTS = {
    "instances in another cluster": (_move_providers, "RoleArn: nothing"),
    "instances that ECS may not start": (_forget_managed_policies, "InfrastructureRoleArn: nothing"),
    "tasks in another cluster": (_confine_to("elsewhere"), "RoleArn: nothing"),
    "roles that may not be passed": (_forget_statements("iam:PassRole"), "RoleArn: nothing"),
}


@pytest.mark.parametrize("fault", GPU_FAULTS)
def test_a_fault_of_training_on_gpus_is_found(gpu_training, fault):
    inject, said = GPU_FAULTS[fault]
    templates = read_templates(gpu_training.folder)
    inject(templates["tiny-training"]["Resources"])
    assert [problem for problem in problems(World(templates)) if said in problem]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(capturing, fault):
    inject, said = FAULTS[fault]
    templates = read_templates(capturing.folder)
    for template in templates.values():
        inject(template["Resources"])
    assert [problem for problem in problems(World(templates)) if said in problem]


TRAINING_FAULTS = {
    "steps that may not be called": (_forget_statements("lambda:InvokeFunction"), "RoleArn: nothing"),
    "tasks that may not be run": (_forget_statements("ecs:RunTask"), "RoleArn: nothing"),
    "roles that may not be passed": (_forget_statements("iam:PassRole"), "RoleArn: nothing"),
    "tasks in another cluster": (_confine_to("elsewhere"), "RoleArn: nothing"),
    "tasks that may not be stopped": (_forget_statements("ecs:StopTask"), "RoleArn: nothing"),
    "ends of tasks that nobody tells of": (_forget_statements("events:PutRule"), "RoleArn: nothing"),
    "rules that may not start a run": (_forget_statements("states:StartExecution"), "Targets.Arn: nothing"),
    "versions that may not be read": (_forget_statements("s3:GetObject"), "(variable): nothing"),
}


@pytest.mark.parametrize("fault", TRAINING_FAULTS)
def test_a_fault_of_training_is_found(training, fault):
    inject, said = TRAINING_FAULTS[fault]
    templates = read_templates(training.folder)
    for template in templates.values():
        inject(template["Resources"])
    assert [problem for problem in problems(World(templates)) if said in problem]
