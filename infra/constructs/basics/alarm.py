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
) -> cloudwatch.Alarm:
    """Off in two of three minutes ``above``, or ``below``: neither one bad minute nor an idle one between decides.

    A minute without data is a good one where much is bad, and a bad one where little is.
    """
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
        treat_missing_data=missing.NOT_BREACHING if below is None else missing.BREACHING,
        alarm_description=description,
    )
    action = actions.SnsAction(topic)
    made.add_alarm_action(action)
    made.add_ok_action(action)
    return made
