"""The front door's IAM user in the emulator: it may call the API, and nothing else."""

import json

import boto3

from local.settings import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY

_USER = "slipway-front-door"


def create_caller(emulator: str, api_id: str) -> tuple[str, str]:
    """Make the user; gives the access key's id and secret."""
    client = boto3.client(
        "iam",
        endpoint_url=emulator,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    client.create_user(UserName=_USER)
    client.put_user_policy(
        UserName=_USER,
        PolicyName="call-the-api",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    key = client.create_access_key(UserName=_USER)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
