"""Routing of requests to slots: it is in no template, so no deploy changes it."""

import json

import pytest
from support.heavy.templates import found, heavy_model, of_slot, reference

from infra.constructs.heavy.slot_rules import first_priorities
from infra.stacks.routes import ROUTES, heavy_routes
from slipway.config.deployment.keep_warm import LINK_PATH

SLOTS = ("Blue", "Green")


def parameters_of(templates):
    return [parameter["Properties"] for parameter in templates.of_type("AWS::SSM::Parameter").values()]


def test_there_is_none_of_it_without_a_heavy_model(templates):
    assert templates.heavy is None
    assert parameters_of(templates) == []


def test_the_first_deploy_gives_blue_all_of_the_traffic(heavy):
    assert {parameter["Name"]: parameter["Value"] for parameter in parameters_of(heavy)} == {
        "/tiny/tiny-large/blue/version": {"Ref": "TinyLargeInitialVersion"},
        "/tiny/tiny-large/blue/weight": "100",
        "/tiny/tiny-large/green/version": {"Ref": "TinyLargeInitialVersion"},
        "/tiny/tiny-large/green/weight": "0",
    }
    assert heavy.state["Parameters"]["TinyLargeInitialVersion"]["Default"] == 1


def test_a_parameter_has_nothing_that_a_later_deploy_could_change(heavy):
    # CloudFormation writes a parameter again, value and all, when as much as a tag of it changes.
    assert [set(parameter) for parameter in parameters_of(heavy)] == [{"Name", "Type", "Value"}] * 4


def test_another_stable_version_changes_a_default_and_no_resource(heavy, synthesize):
    changed = synthesize(models=heavy_model(stable=2))
    assert changed.state["Parameters"]["TinyLargeInitialVersion"]["Default"] == 2
    assert changed.of_type("AWS::SSM::Parameter") == heavy.of_type("AWS::SSM::Parameter")
    assert changed.heavy == heavy.heavy


def rules_of(templates):
    rules = [rule["Properties"] for rule in templates.of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values()]
    return sorted(rules, key=lambda rule: rule["Priority"])


def targets(templates, slot):
    (name,) = [
        name
        for name in templates.of_type("AWS::ElasticLoadBalancingV2::TargetGroup")
        if name.startswith(f"TinyLargeModel{slot}")
    ]
    return {"Ref": name}


def paths_of(rule):
    (condition,) = rule["Conditions"]
    assert condition["Field"] == "path-pattern"
    return condition["PathPatternConfig"]["Values"]


def test_the_weights_of_the_rule_are_the_parameters(heavy):
    rule = rules_of(heavy)[-2]  # the last leads to the load balancer alone
    assert paths_of(rule) == [
        "/v1/models/tiny-large",
        "/v1/models/tiny-large/*",
        "/v2/models/tiny-large",
        "/v2/models/tiny-large/*",
    ]
    (action,) = rule["Actions"]
    assert action["ForwardConfig"]["TargetGroups"] == [
        {"TargetGroupArn": targets(heavy, slot), "Weight": reference(slot, "weight")} for slot in SLOTS
    ]


@pytest.mark.parametrize(("place", "slot"), list(enumerate(SLOTS)))
def test_a_slot_is_addressed_by_the_version_that_it_has(heavy, place, slot):
    rule = rules_of(heavy)[place]
    version = reference(slot, "version")
    assert paths_of(rule) == [
        f"/v1/models/tiny-large/versions/{version}/*",
        f"/v2/models/tiny-large/versions/{version}",
        f"/v2/models/tiny-large/versions/{version}/*",
    ]
    (action,) = rule["Actions"]
    assert action["TargetGroupArn"] == targets(heavy, slot)


def test_a_rule_has_no_more_conditions_and_wildcards_than_a_load_balancer_takes(heavy):
    for rule in rules_of(heavy):
        assert len(paths_of(rule)) <= 5
        assert sum(path.count("*") + path.count("?") for path in paths_of(rule)) <= 6


def test_a_model_that_comes_or_goes_leaves_the_priorities_of_others():
    names = [f"model-{number}" for number in range(50)]
    every = first_priorities(names)
    assert {priority // 3 * 3 + 1 for priority in every.values()} == set(every.values())
    assert max(every.values()) + 2 <= 50_000
    assert first_priorities(names[::2]) == {name: every[name] for name in names[::2]}


def test_what_no_model_takes_is_not_found(heavy):
    listener = found(heavy, "AWS::ElasticLoadBalancingV2::Listener", "Balancer")
    (action,) = listener["DefaultActions"]
    assert action["FixedResponseConfig"]["StatusCode"] == "404"


def heavy_routes_of(templates):
    routes = [route["Properties"] for route in templates.of_type("AWS::ApiGatewayV2::Route").values()]
    return [route for route in routes if "tiny-large" in route["RouteKey"]]


def test_the_routes_of_the_model_go_by_the_vpc_link(heavy):
    routes = heavy_routes_of(heavy)
    assert {route["RouteKey"] for route in routes} == {
        f"{method} {path}" for method, path in heavy_routes("tiny-large")
    }
    assert len(routes) == len([path for _, path in ROUTES["predict"] if "{model}" in path])
    (integration_name,) = [
        name
        for name, each in heavy.of_type("AWS::ApiGatewayV2::Integration").items()
        if each["Properties"].get("ConnectionType") == "VPC_LINK"
    ]
    assert {json.dumps(route["Target"]) for route in routes} == {
        json.dumps({"Fn::Join": ["", ["integrations/", {"Ref": integration_name}]]})
    }
    integration = found(heavy, "AWS::ApiGatewayV2::Integration", integration_name)
    assert integration["IntegrationType"] == "HTTP_PROXY"
    assert integration["ConnectionId"]["Ref"].startswith("BalancerLink")
    assert {route["AuthorizationType"] for route in routes} == {"AWS_IAM"}


def test_the_other_routes_stay_where_they_are(heavy, templates):
    def others(synthesized):
        routes = synthesized.of_type("AWS::ApiGatewayV2::Route").values()
        return {route["Properties"]["RouteKey"] for route in routes} - {r["RouteKey"] for r in heavy_routes_of(heavy)}

    assert others(heavy) - {f"GET {LINK_PATH}"} == others(templates)


def test_tokens_are_checked_for_heavy_models_too(synthesize):
    issuer = "https://login.example.com/tenant"
    rest = f"api: {{ authorization: jwt, jwt: {{ issuer: '{issuer}', audience: [slipway] }} }}"
    secured = synthesize(models=heavy_model(), rest=rest)
    assert {route["AuthorizationType"] for route in heavy_routes_of(secured)} == {"JWT"}
    assert len(secured.of_type("AWS::ApiGatewayV2::Authorizer")) == 1


def test_everybody_may_call_a_heavy_model_only_where_that_is_written_out(synthesize):
    opened = synthesize(models=heavy_model(), rest="api: { authorization: none }")
    assert {route["AuthorizationType"] for route in heavy_routes_of(opened)} == {"NONE"}


@pytest.mark.parametrize("slot", SLOTS)
def test_a_deploy_leaves_the_number_of_tasks(heavy, slot):
    assert "DesiredCount" not in of_slot(heavy, "AWS::ECS::Service", slot)
