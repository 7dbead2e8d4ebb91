"""The front door's IAM user in the emulator, which may call the API and nothing else."""

import json

from local.emulator.clients import client
from local.environment.settings import ACCOUNT, REGION

_USER = "slipway-front-door"


def create_caller(emulator: str, api_id: str) -> tuple[str, str]:
    """Create the user; returns the id and the secret of its access key."""
    iam = client("iam", emulator)
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    iam.create_user(UserName=_USER)
    iam.put_user_policy(
        UserName=_USER,
        PolicyName="call-the-api",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    key = iam.create_access_key(UserName=_USER)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
