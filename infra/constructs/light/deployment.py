"""Deployment of new code: CodeDeploy shifts the alias, and rolls back if an alarm goes off."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.basics.trust import service_of_account
from infra.constructs.light.function import Function

_CONFIGURATIONS = {
    "canary-10-percent-5-minutes": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    "linear-10-percent-every-minute": codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
    "all-at-once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
}


class Deployments(Construct):
    """A CodeDeploy application with one deployment group per function.

    With ``break_glass``, new code gets all calls at once and no alarm is asked, because CodeDeploy refuses a deployment
    while one of its alarms is on, even of the code that would end it.
    """

    def __init__(self, scope: Construct, id_: str, *, strategy: str, break_glass: bool) -> None:
        super().__init__(scope, id_)
        self._break_glass = break_glass
        self._configuration = _CONFIGURATIONS["all-at-once" if break_glass else strategy]
        self._application = codedeploy.LambdaApplication(self, "Application")
        self._role = iam.Role(self, "Role", assumed_by=service_of_account(self, "codedeploy.amazonaws.com"))
        policy = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
        reason = "AWS keeps this policy up to date with what CodeDeploy calls; only CodeDeploy can assume the role."
        acknowledge(self._role, {f"AwsSolutions-IAM4[{policy}]": reason})

    def add(self, function: Function, rollback_alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Shift ``function``'s alias by the strategy, and roll back if one of the alarms goes off meanwhile."""
        asked = [] if self._break_glass else list(rollback_alarms)
        codedeploy.LambdaDeploymentGroup(
            self,
            function.name.capitalize(),
            application=self._application,
            alias=function.alias,
            deployment_config=self._configuration,
            alarms=asked,
            ignore_alarm_configuration=self._break_glass,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=bool(asked)
            ),
            role=self._role,
        )
