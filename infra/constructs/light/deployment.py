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
    """A CodeDeploy application with one deployment group per function."""

    def __init__(self, scope: Construct, id_: str, *, strategy: str) -> None:
        super().__init__(scope, id_)
        self._configuration = _CONFIGURATIONS[strategy]
        self._application = codedeploy.LambdaApplication(self, "Application")
        self._role = iam.Role(self, "Role", assumed_by=service_of_account(self, "codedeploy.amazonaws.com"))
        policy = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
        reason = "AWS keeps this policy up to date with what CodeDeploy calls; only CodeDeploy can assume the role."
        acknowledge(self._role, {f"AwsSolutions-IAM4[{policy}]": reason})

    def add(self, function: Function, rollback_alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Shift ``function``'s alias by the strategy, and roll back if one of the alarms goes off meanwhile."""
        codedeploy.LambdaDeploymentGroup(
            self,
            function.name.capitalize(),
            application=self._application,
            alias=function.alias,
            deployment_config=self._configuration,
            alarms=list(rollback_alarms),
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
            role=self._role,
        )
