"""An alarm with the defaults that all alarms share."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct


def alarm(
    scope: Construct,
    id_: str,
    *,
    topic: sns.ITopic,
    metric: cloudwatch.IMetric,
    description: str,
    above: float | None = None,
    below: float | None = None,
    silence_is_bad: bool | None = None,
) -> cloudwatch.Alarm:
    """An alarm that goes off if two of three periods are ``above`` or ``below``: a single one does not decide.

    A period is that of the metric, by default a minute. Missing data counts as not breaching with ``above``, and as
    breaching with ``below``, unless ``silence_is_bad`` says otherwise.
    """
    if silence_is_bad is None:
        silence_is_bad = below is not None
    operator = cloudwatch.ComparisonOperator
    missing = cloudwatch.TreatMissingData
    made = cloudwatch.Alarm(
        scope,
        id_,
        metric=metric,
        threshold=above if above is not None else below,
        comparison_operator=operator.GREATER_THAN_THRESHOLD if below is None else operator.LESS_THAN_THRESHOLD,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        treat_missing_data=missing.BREACHING if silence_is_bad else missing.NOT_BREACHING,
        alarm_description=description,
    )
    action = actions.SnsAction(topic)
    made.add_alarm_action(action)
    made.add_ok_action(action)
    return made
