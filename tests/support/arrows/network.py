"""Arrows of the network: from the VPC link to the balancer, from the balancer to tasks, and nowhere else."""

from support.arrows.policies import lets_through
from support.arrows.templates import Resource, World


def link_to_balancer(world: World, link: Resource, listener: Resource) -> bool:
    """Whether the link's security group and the balancer's let the listener's port through."""
    balancer = world.target(listener.stack, listener.properties["LoadBalancerArn"])
    if balancer is None:
        return False
    (sender,) = _groups(world, link, link.properties["SecurityGroupIds"])
    (receiver,) = _groups(world, balancer, balancer.properties["SecurityGroups"])
    return lets_through(world, sender, receiver, listener.properties["Port"])


def service_behind_balancer(world: World, service: Resource, group: Resource) -> bool:
    """Whether the balancer reaches the tasks' port, and a rule leads to the target group."""
    (balancer,) = world.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
    tasks = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    (sender,) = _groups(world, balancer, balancer.properties["SecurityGroups"])
    (receiver,) = _groups(world, service, tasks)
    rules = world.of_type("AWS::ElasticLoadBalancingV2::ListenerRule")
    led = any(group.name in _forwards(world, rule) for rule in rules)
    return led and lets_through(world, sender, receiver, group.properties["Port"])


def closed_problems(world: World) -> list[str]:
    """The security groups that do not say what they let out, for which EC2's default lets everything out."""
    groups = world.of_type("AWS::EC2::SecurityGroup")
    return [f"{group}: says no egress" for group in groups if not group.properties.get("SecurityGroupEgress")]


def _groups(world: World, resource: Resource, groups: list[object]) -> list[str]:
    return [world.text(resource.stack, group) for group in groups]


def _forwards(world: World, rule: Resource) -> list[str]:
    found = []
    for action in rule.properties["Actions"]:
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [action])
        found += [world.text(rule.stack, each.get("TargetGroupArn", "")) for each in groups]
    return found
