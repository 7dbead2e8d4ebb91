"""Each kind of arrow, and what must be allowed for it."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from support.arrows.network import closed_problems, link_to_balancer, service_behind_balancer
from support.arrows.policies import may, may_call, may_publish, reaches, trusts
from support.arrows.tasks import runs_task
from support.arrows.templates import Resource, World
from support.arrows.walk import STATE, VARIABLE, Arrow, arrows

Check = Callable[[World, Arrow], bool]
_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
_ALARMS = "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:"


def problems(world: World) -> list[str]:
    """The arrows that are not allowed, and those of no known kind."""
    found = [problem for arrow in arrows(world) if (problem := _problem(world, arrow))]
    unknown = {each.type for each in world.resources} - _TYPES
    return [*found, *(f"{each}: of this type no arrow is known" for each in sorted(unknown)), *closed_problems(world)]


def checked(world: World) -> Iterator[tuple[str, str]]:
    """The kinds of a world's arrows."""
    return (arrow.kind for arrow in arrows(world))


def _problem(world: World, arrow: Arrow) -> str | None:
    check = KINDS.get(arrow.kind)
    if check is None:
        return f"{arrow}: no such kind of arrow is known, so nothing checks it"
    return (
        None if check(world, arrow) else f"{arrow}: nothing allows it ({world.text(arrow.source.stack, arrow.value)})"
    )


def _of_same_service(_: World, __: Arrow) -> bool:
    """Allowed: both ends are one service's, which needs nobody's leave."""
    return True


def _notifies(world: World, arrow: Arrow) -> bool:
    topic = _end(world, arrow, "AWS::SNS::Topic")
    return topic is not None and may_publish(world, "cloudwatch.amazonaws.com", topic, _ALARMS)


def _calls(world: World, arrow: Arrow, *, service: str) -> bool:
    """A function that a service calls on behalf of the resource that the arrow begins at."""
    function = _end(world, arrow, "AWS::Lambda::Alias")
    return function is not None and may_call(world, service, function, arrow.source.name)


def _hears_of(world: World, arrow: Arrow) -> bool:
    """Allowed: AWS puts events of its services on the default bus."""
    return _end(world, arrow, _MACHINE) is not None and "EventBusName" not in arrow.source.properties


def _takes_its_steps(world: World, arrow: Arrow) -> bool:
    """The role of a state machine may do what each of its states does."""
    machine, role = arrow.source, _end(world, arrow, "AWS::IAM::Role")
    if role is None or not trusts(world, role, "states.amazonaws.com"):
        return False
    states = json.loads(world.text(machine.stack, machine.properties["DefinitionString"]))["States"]
    return all(_takes(world, role, state) for state in _steps(states))


def _steps(states: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The states that call a service, those within maps included."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state
        yield from _steps(state.get("ItemProcessor", {}).get("States", {}))


def _takes(world: World, role: Resource, state: Mapping[str, Any]) -> bool:
    resource, given = state["Resource"], state.get("Parameters", {})
    if ":states:::ecs:runTask" in resource:
        return runs_task(world, role, given)
    function = given["FunctionName"] if ":states:::lambda:invoke" in resource else resource
    return may(world, role, "lambda:InvokeFunction", function)


def _scheduled(world: World, arrow: Arrow) -> bool:
    """A function that lets EventBridge call it, or a state machine that the role of the target may start."""
    machine = _end(world, arrow, "AWS::StepFunctions::StateMachine")
    if machine is None:
        return _calls(world, arrow, service="events.amazonaws.com")
    stack = arrow.source.stack
    roles = [world.target(stack, each.get("RoleArn")) for each in arrow.source.properties["Targets"]]
    return all(role is not None and may(world, role, "states:StartExecution", machine.name) for role in roles)


def _state_may(world: World, arrow: Arrow) -> bool:
    """The items of a map, its role may read; the steps are checked with the role, and where tasks run with the task."""
    end, role = world.target(arrow.source.stack, arrow.value), _role(world, arrow, "RoleArn")
    if end is None or role is None:
        return False
    if end.type == "AWS::S3::Bucket":
        return may(world, role, "s3:GetObject", f"{end.name}/runs/job/items.jsonl")
    return end.type in _STEPS or end.type in _SURROUNDINGS


def _role(world: World, arrow: Arrow, name: str) -> Resource | None:
    return world.target(arrow.source.stack, arrow.source.properties.get(name))


def _calls_for_log_group(world: World, arrow: Arrow) -> bool:
    function = _end(world, arrow, "AWS::Lambda::Alias")
    group = world.text(arrow.source.stack, arrow.source.properties["LogGroupName"])
    return function is not None and may_call(world, "logs.amazonaws.com", function, group)


def _integrates(world: World, arrow: Arrow) -> bool:
    properties, stack = arrow.source.properties, arrow.source.stack
    if properties["IntegrationType"] != "AWS_PROXY":
        link = world.target(stack, properties["ConnectionId"])
        listener = _end(world, arrow, "AWS::ElasticLoadBalancingV2::Listener")
        return link is not None and listener is not None and link_to_balancer(world, link, listener)
    function = _end(world, arrow, "AWS::Lambda::Alias")
    api = world.text(stack, properties["ApiId"])
    return function is not None and may_call(world, "apigateway.amazonaws.com", function, f":{api}/")


def _writes_access_log(world: World, arrow: Arrow) -> bool:
    group = _end(world, arrow, "AWS::Logs::LogGroup")
    # API Gateway adds the group's policy itself, which it can for any number of groups with this prefix.
    return group is not None and str(group.properties.get("LogGroupName")).startswith("/aws/vendedlogs/")


def _acts_as(world: World, arrow: Arrow, *, service: str) -> bool:
    role = _end(world, arrow, "AWS::IAM::Role")
    return role is not None and trusts(world, role, service)


def _runs_instances(world: World, arrow: Arrow) -> bool:
    """Whether ECS may act as the role, which has the policy of AWS with what it calls to run instances."""
    role = _end(world, arrow, "AWS::IAM::Role")
    if role is None or not trusts(world, role, "ecs.amazonaws.com"):
        return False
    policies = (world.text(role.stack, each) for each in role.properties.get("ManagedPolicyArns", ()))
    return any(each.endswith("/AmazonECSInfrastructureRolePolicyForManagedInstances") for each in policies)


def _function_logs(world: World, arrow: Arrow) -> bool:
    return _role_may(world, arrow, "Role", _LOGS)


def _task_logs(world: World, arrow: Arrow) -> bool:
    return _role_may(world, arrow, "ExecutionRoleArn", _LOGS)


def _task_reads(world: World, arrow: Arrow) -> bool:
    role = world.target(arrow.source.stack, arrow.source.properties["ExecutionRoleArn"])
    parameter = world.text(arrow.source.stack, arrow.value)
    exists = any(parameter.endswith(f":parameter{each.properties['Name']}") for each in world.of_type(_PARAMETER))
    return exists and role is not None and may(world, role, "ssm:GetParameters", parameter)


def _keeps_failures(world: World, arrow: Arrow) -> bool:
    """Lambda writes events that a function failed on as the function, and checks that it may list the bucket."""
    function = world.target(arrow.source.stack, arrow.source.properties["FunctionName"])
    bucket = _end(world, arrow, "AWS::S3::Bucket")
    role = function and world.target(function.stack, function.properties["Role"])
    if role is None or bucket is None:
        return False
    written = f"{bucket.name}/aws/lambda/async/*"
    return may(world, role, "s3:PutObject", written) and may(world, role, "s3:ListBucket", bucket.name)


_READS_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


def _reads_stream(world: World, arrow: Arrow) -> bool:
    """Lambda reads a table's stream as the function, and finds it among those of the account."""
    table, role = _end(world, arrow, "AWS::DynamoDB::Table"), _role_of_mapping(world, arrow)
    if table is None or role is None or "StreamSpecification" not in table.properties:
        return False
    named = _attribute(world, arrow) == "StreamArn" and all(
        may(world, role, each, table.name) for each in _READS_STREAM
    )
    return named and may(world, role, "dynamodb:ListStreams", "*")


def _attribute(world: World, arrow: Arrow) -> str | None:
    """The attribute that an arrow names of its end."""
    return world.attribute(arrow.source.stack, arrow.value)


def _keeps_records(world: World, arrow: Arrow) -> bool:
    """Lambda writes records that a function failed on as the function, and checks that it may list the bucket."""
    bucket, role = _end(world, arrow, "AWS::S3::Bucket"), _role_of_mapping(world, arrow)
    if bucket is None or role is None:
        return False
    written = f"{bucket.name}/aws/lambda/*"
    return may(world, role, "s3:PutObject", written) and may(world, role, "s3:ListBucket", bucket.name)


def _role_of_mapping(world: World, arrow: Arrow) -> Resource | None:
    alias = world.target(arrow.source.stack, arrow.source.properties["FunctionName"])
    function = alias and world.target(alias.stack, alias.properties["FunctionName"])
    return function and world.target(function.stack, function.properties["Role"])


def _uses(world: World, arrow: Arrow) -> bool:
    """What an environment variable names, the code may use: the resource or, of a name for people, nothing."""
    properties, stack = arrow.source.properties, arrow.source.stack
    role = world.target(stack, properties.get("Role") or properties.get("TaskRoleArn"))
    used = world.target(stack, arrow.value)
    if used is None or role is None:
        return False
    return used.type in _OPEN_TO_CODE or reaches(world, role, used)


def _passed_by_ecs(world: World, arrow: Arrow) -> bool:
    """AWS's policy for ECS lets it pass roles of one prefix to instances."""
    profile = _end(world, arrow, "AWS::IAM::InstanceProfile")
    role = profile and world.target(profile.stack, profile.properties["Roles"][0])
    if role is None or not trusts(world, role, "ec2.amazonaws.com"):
        return False
    name = world.text(role.stack, role.properties["RoleName"])
    return name.startswith("ecsInstanceRole") and "<AWS::Region>" in name


def _is_linked_role(world: World, arrow: Arrow) -> bool:
    return ":role/aws-service-role/" in world.text(arrow.source.stack, arrow.value)


def _is_email(world: World, arrow: Arrow) -> bool:
    topic = world.target(arrow.source.stack, arrow.source.properties["TopicArn"])
    return topic is not None and arrow.source.properties["Protocol"] == "email"


def _balances(world: World, arrow: Arrow) -> bool:
    group = _end(world, arrow, "AWS::ElasticLoadBalancingV2::TargetGroup")
    return group is not None and service_behind_balancer(world, arrow.source, group)


def _end(world: World, arrow: Arrow, type_: str) -> Resource | None:
    found = world.target(arrow.source.stack, arrow.value)
    return found if found is not None and found.type == type_ else None


def _role_may(world: World, arrow: Arrow, role_property: str, actions: tuple[str, ...]) -> bool:
    role = world.target(arrow.source.stack, arrow.source.properties[role_property])
    group = _end(world, arrow, "AWS::Logs::LogGroup")
    return role is not None and group is not None and all(may(world, role, each, group.name) for each in actions)


_STEPS = frozenset({"AWS::ECS::TaskDefinition", "AWS::Lambda::Alias"})
_SURROUNDINGS = frozenset(
    {"AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::ECS::CapacityProvider", "AWS::ECS::Cluster"}
)
_PARAMETER = "AWS::SSM::Parameter"
# Of these, an address needs no right of IAM: the network or the authorizer lets callers in.
_OPEN_TO_CODE = frozenset({"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ApiGatewayV2::Api"})

_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_MACHINE = "AWS::StepFunctions::StateMachine"

KINDS: Mapping[tuple[str, str], Check] = {
    ("AWS::ApiGatewayV2::Integration", "IntegrationUri"): _integrates,
    ("AWS::ApiGatewayV2::Stage", "AccessLogSettings.DestinationArn"): _writes_access_log,
    ("AWS::ApplicationAutoScaling::ScalableTarget", "RoleARN"): _is_linked_role,
    ("AWS::CloudWatch::Alarm", "AlarmActions"): _notifies,
    ("AWS::CloudWatch::Alarm", "OKActions"): _notifies,
    ("AWS::CodeDeploy::DeploymentGroup", "ServiceRoleArn"): partial(_acts_as, service="codedeploy.amazonaws.com"),
    ("AWS::ECS::CapacityProvider", "ManagedInstancesProvider.InfrastructureRoleArn"): _runs_instances,
    (
        "AWS::ECS::CapacityProvider",
        "ManagedInstancesProvider.InstanceLaunchTemplate.Ec2InstanceProfileArn",
    ): _passed_by_ecs,
    ("AWS::ECS::Service", "LoadBalancers.TargetGroupArn"): _balances,
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.LogConfiguration.Options.awslogs-group"): _task_logs,
    ("AWS::ECS::TaskDefinition", "ContainerDefinitions.Secrets.ValueFrom"): _task_reads,
    ("AWS::ECS::TaskDefinition", "ExecutionRoleArn"): partial(_acts_as, service="ecs-tasks.amazonaws.com"),
    ("AWS::ECS::TaskDefinition", "TaskRoleArn"): partial(_acts_as, service="ecs-tasks.amazonaws.com"),
    ("AWS::ECS::TaskDefinition", VARIABLE): _uses,
    ("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn"): _of_same_service,
    (_RULE, "ListenerArn"): _of_same_service,
    (_RULE, "Actions.TargetGroupArn"): _of_same_service,
    (
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Actions.ForwardConfig.TargetGroups.TargetGroupArn",
    ): _of_same_service,
    ("AWS::Events::Rule", "EventPattern.detail.stateMachineArn"): _hears_of,
    ("AWS::Events::Rule", "Targets.Arn"): _scheduled,
    ("AWS::Events::Rule", "Targets.RoleArn"): partial(_acts_as, service="events.amazonaws.com"),
    ("AWS::IAM::InstanceProfile", "Roles"): partial(_acts_as, service="ec2.amazonaws.com"),
    ("AWS::Lambda::EventInvokeConfig", "DestinationConfig.OnFailure.Destination"): _keeps_failures,
    ("AWS::Lambda::EventSourceMapping", "DestinationConfig.OnFailure.Destination"): _keeps_records,
    ("AWS::Lambda::EventSourceMapping", "EventSourceArn"): _reads_stream,
    ("AWS::Lambda::Function", "LoggingConfig.LogGroup"): _function_logs,
    ("AWS::Lambda::Function", "Role"): partial(_acts_as, service="lambda.amazonaws.com"),
    ("AWS::Lambda::Function", VARIABLE): _uses,
    ("AWS::Logs::SubscriptionFilter", "DestinationArn"): _calls_for_log_group,
    ("AWS::SNS::Subscription", "Endpoint"): _is_email,
    ("AWS::SNS::Subscription", "TopicArn"): _of_same_service,
    (_MACHINE, "RoleArn"): _takes_its_steps,
    ("AWS::StepFunctions::StateMachine", STATE): _state_may,
}


def _types(*services: tuple[str, str]) -> Iterator[str]:
    return (f"AWS::{service}::{name}" for service, names in services for name in names.split())


_TYPES: frozenset[str] = frozenset(
    {
        *(type_ for type_, _ in KINDS),
        *_types(
            ("ApiGatewayV2", "Api Authorizer Route VpcLink"),
            ("ApplicationAutoScaling", "ScalingPolicy"),
            ("CloudWatch", "Dashboard"),
            ("CodeDeploy", "Application"),
            ("DynamoDB", "Table"),
            ("EC2", "EIP InternetGateway NatGateway Route RouteTable SecurityGroup SecurityGroupEgress"),
            ("EC2", "SecurityGroupIngress Subnet SubnetRouteTableAssociation VPC VPCEndpoint VPCGatewayAttachment"),
            ("ECS", "Cluster ClusterCapacityProviderAssociations"),
            ("ElasticLoadBalancingV2", "LoadBalancer TargetGroup"),
            ("IAM", "ManagedPolicy Policy Role"),
            ("Lambda", "Alias Permission Version"),
            ("Logs", "LogGroup"),
            ("S3", "Bucket BucketPolicy"),
            ("SNS", "Topic TopicPolicy"),
            ("SSM", "Parameter"),
        ),
    }
)
"""The types whose arrows, if they have any, are known."""
