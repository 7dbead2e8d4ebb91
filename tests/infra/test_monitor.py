"""The monitor: it exists where a model is captured, runs once a period, and may do no more than it must."""

import re
from collections import defaultdict

import pytest
from support.templates import acknowledged_in, compare_with_snapshot, lint

from functions.monitor.settings import Settings

FOLDERS = {"captures", "profiles", "ledgers", "monitoring", "reservoir"}


@pytest.fixture
def own(capturing):
    return resources_of(capturing.releases)


def resources_of(template):
    return {name: each for name, each in template["Resources"].items() if name.startswith("Monitoring")}


def only(resources, type_):
    (found,) = [each["Properties"] for each in resources.values() if each["Type"] == type_]
    return found


def listed(value):
    return value if isinstance(value, list) else [value]


def shown(reference):
    """An ARN as text, with the owner of what another stack exports in place of its name."""
    if isinstance(reference, str):
        return reference
    if "Fn::Join" in reference:
        return "".join(map(shown, reference["Fn::Join"][1]))
    if "Fn::GetAtt" in reference:
        return reference["Fn::GetAtt"][0].removeprefix("MonitoringFunction").rstrip("0123456789ABCDEF")
    if "Ref" in reference:
        return f"<{reference['Ref'].rpartition(':')[2]}>"
    owners = {
        "HistoryBucket": "history-bucket",
        "CapturesBucket": "captures-bucket",
        "ModelsBucket": "models-bucket",
        "Control": "control",
        "Topic": "alarm-topic",
    }
    return next(word for part, word in owners.items() if part in reference["Fn::ImportValue"])


def alarms(resources):
    """The alarms by their ids."""
    found = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    return {re.sub(r"^Monitoring(Findings)?|[0-9A-F]{8}$", "", name): each for name, each in found.items()}


def watched(alarm):
    (query,) = alarm["Metrics"]
    return query["MetricStat"]


def test_it_may_read_captures_write_what_it_makes_and_tell_of_it(own):
    found = {
        (tuple(listed(each["Action"])), shown(each["Resource"])): each.get("Condition")
        for each in only(own, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    }
    keys = "ForAllValues:StringLike"
    bus = "arn:<Partition>:events:<Region>:<AccountId>:event-bus/default"
    assert found == {
        (("logs:CreateLogStream", "logs:PutLogEvents"), "Logs"): None,
        (("s3:ListBucket",), "captures-bucket"): None,
        (("s3:GetObject",), "captures-bucket/captures/*"): None,
        **{
            (("s3:GetObject", "s3:PutObject"), f"captures-bucket/{folder}/*"): None
            for folder in sorted(FOLDERS - {"captures", "reservoir"})
        },
        (("s3:PutObject",), "captures-bucket/reservoir/*"): None,
        (("dynamodb:BatchGetItem", "dynamodb:Query"), "control"): {keys: {"dynamodb:LeadingKeys": ["model#*"]}},
        (("dynamodb:Query",), "control"): {keys: {"dynamodb:LeadingKeys": ["labelled#*"]}},
        **{
            (("s3:GetObject",), f"models-bucket/models/{model}/*/{file}"): None
            for model in ("tiny-large", "tiny-tabular")
            for file in ("model.yaml", "baseline.json", "calibration.json")
        },
        (("events:PutEvents",), bus): {"ForAllValues:StringEquals": {"events:source": ["slipway"]}},
        (("sns:Publish",), "alarm-topic"): None,
    }


def test_where_a_history_is_kept_it_may_read_that_and_so_may_analysts(synthesize):
    models = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"
    recording = synthesize(models=models, history="    history: true\n").releases
    own = resources_of(recording)
    statements = only(own, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    found = {
        (tuple(listed(each["Action"])), shown(each["Resource"]))
        for each in statements
        if "history" in shown(each["Resource"])
    }
    assert found == {
        (("s3:ListBucket",), "history-bucket"),
        (("s3:GetObject",), "history-bucket/history/group=tumour/lines/*"),
    }
    variables = only(own, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert Settings.of({name: shown(value) for name, value in variables.items()}).history == "history-bucket"
    (analyst,) = [each for name, each in recording["Resources"].items() if name.startswith("Analyst")]
    read = analyst["Properties"]["PolicyDocument"]["Statement"]
    assert "history/group=tumour/*" in str(read)


@pytest.mark.parametrize(("minutes", "rate"), [(60, "rate(1 hour)"), (5, "rate(5 minutes)"), (1, "rate(1 minute)")])
def test_it_runs_once_a_period_and_is_not_repeated(synthesize, minutes, rate):
    models = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"
    own = resources_of(synthesize(models=models, rest=f"monitoring: {{ minutes: {minutes} }}").releases)
    rule = only(own, "AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == (rate, "ENABLED")
    (target,) = rule["Targets"]
    assert target["Arn"]["Ref"].startswith("MonitoringFunctionLive")
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    retries = only(own, "AWS::Lambda::EventInvokeConfig")
    assert "MonitoringFunctionLive" in str(retries["Qualifier"])
    assert retries["MaximumRetryAttempts"] == 0
    for alarm in alarms(own).values():
        period = watched(alarm)["Period"] if "Metrics" in alarm else alarm["Period"]
        assert period == 60 * minutes
    alarm = alarms(own)["Failing"]
    assert (watched(alarm)["Period"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (60 * minutes, 2, 3)


def test_only_the_rule_may_call_it(own):
    permission = only(own, "AWS::Lambda::Permission")
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"]["Fn::GetAtt"][0].startswith("MonitoringEachPeriod")
    assert permission["FunctionName"]["Ref"].startswith("MonitoringFunctionLive")


def test_somebody_is_told_when_it_fails_or_stands_still(own):
    alarm = alarms(own)["Failing"]
    metric = watched(alarm)
    assert (metric["Metric"]["Namespace"], metric["Metric"]["MetricName"]) == ("AWS/Lambda", "Errors")
    assert metric["Stat"] == "Sum"
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    # Lambda writes the metric at each call, so that silence is a call that did not happen.
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["AlarmActions"]


def test_what_it_finds_sets_off_an_alarm_that_stands(own):
    found = {id_: alarm for id_, alarm in alarms(own).items() if id_ != "Failing"}
    assert {id_: alarm["MetricName"] for id_, alarm in found.items()} == {
        "Drifted": "DriftedColumns",
        "Inaccurate": "AccuracyFallen",
        "Late": "ProfilesLate",
    }
    for alarm in found.values():
        assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("Slipway", "Maximum", 0)
        assert [each["Name"] for each in alarm["Dimensions"]] == ["Project"]
        # The monitor writes once a period; what it found stands while nobody calls the model.
        assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, "ignore")
        assert alarm["AlarmActions"] == alarm["OKActions"] != []


def test_without_alarms_of_findings_it_is_still_watched(synthesize):
    models = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"
    quiet = synthesize(models=models, rest="monitoring: { alarms: { findings: false } }")
    assert set(alarms(resources_of(quiet.releases))) == {"Failing"}
    assert "GoldenFailures" not in str(quiet.serving)


def test_skew_has_an_alarm_where_a_history_is_kept(synthesize):
    models = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"
    recording = synthesize(models=models, history="    history: true\n").releases
    assert alarms(resources_of(recording))["Skewed"]["MetricName"] == "SkewedRows"


def test_the_dashboard_shows_what_it_finds_of_captured_models(capturing, templates):
    def titles(template):
        return [text for text in str(template["Resources"]).split('"title":"') if "drifted" in text[:60]]

    assert titles(capturing.releases)
    assert not titles(templates.releases)


def test_it_has_the_time_and_memory_that_were_measured(own):
    function = only(own, "AWS::Lambda::Function")
    assert (function["MemorySize"], function["Timeout"]) == (1769, 900)
    assert "ReservedConcurrentExecutions" not in function
    assert "SnapStart" not in function


def test_the_environment_is_what_the_function_reads(own):
    variables = only(own, "AWS::Lambda::Function")["Environment"]["Variables"]
    settings = Settings.of({name: shown(value) for name, value in variables.items()})
    assert (settings.captures, settings.control_table, settings.models) == (
        "captures-bucket",
        "control",
        "models-bucket",
    )


def test_without_captures_there_is_none(templates, heavy):
    for project in (templates, heavy):
        assert resources_of(project.releases) == {}
        assert "AnalystPolicy" not in project.releases["Outputs"]


def test_an_analyst_reads_captures_and_what_is_made_of_them_and_writes_only_what_is_normal(capturing):
    (policy,) = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for name, each in capturing.releases["Resources"].items()
        if name.startswith("Analyst")
    ]
    found: dict[str, set[str]] = defaultdict(set)
    for each in policy:
        for action in listed(each["Action"]):
            found[action] |= {shown(arn) for arn in listed(each["Resource"])}
    assert found == {
        "cloudformation:DescribeStacks": {"arn:<Partition>:cloudformation:<Region>:<AccountId>:stack/tiny-*/*"},
        "s3:ListBucket": {"captures-bucket"},
        "dynamodb:Query": {"control"},
        "dynamodb:BatchGetItem": {"control"},
        "s3:GetObject": {
            *(f"captures-bucket/{folder}/*" for folder in ("captures", "reservoir", "profiles", "monitoring")),
            *(
                f"models-bucket/models/{model}/*/{file}"
                for model in ("tiny-large", "tiny-tabular")
                for file in ("model.yaml", "baseline.json", "calibration.json")
            ),
        },
        "s3:PutObject": {
            f"captures-bucket/monitoring/*/{name}.json" for name in ("accuracy-normal", "drift-references")
        },
    }
    keys = [
        each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for each in policy
        if "dynamodb:Query" in listed(each["Action"])
    ]
    assert keys == [["labelled#*"], ["model#*"]]
    assert "AnalystPolicy" in capturing.releases["Outputs"]


def test_cfn_lint_has_nothing_to_say(capturing):
    assert lint(capturing.releases) == []


def test_nothing_is_acknowledged_but_the_names_of_files(capturing):
    captures = "tiny-state:ExportsOutputFnGetAttCapturesBucketA18E2F11Arn22C35BF8"
    models = "tiny-state:ExportsOutputFnGetAttModelsBucket970C6ADAArnC12F88E2"
    files = {f"AwsSolutions-IAM5[Resource::{captures}/{folder}/*]" for folder in FOLDERS}
    files |= {
        f"AwsSolutions-IAM5[Resource::{models}/models/{model}/*/{file}]"
        for model in ("tiny-large", "tiny-tabular")
        for file in ("model.yaml", "baseline.json", "calibration.json")
    }
    at = "tiny-releases/Monitoring/Function"
    found = {path: each for path, each in acknowledged_in(capturing).items() if path.startswith(at)}
    assert found == {
        f"{at}/Role": files,
        f"{at}/Function": {"AwsSolutions-L1", "@aws-cdk/aws-lambda:snapStartRequirePublish"},
    }


def test_the_resources_are_what_they_were(capturing):
    compare_with_snapshot("monitoring", {"Resources": resources_of(capturing.releases)})
