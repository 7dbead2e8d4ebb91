"""Credentials of a task's role; MiniStack's own task credentials belong to no role that its policy checks know."""

import secrets

from ministack.services import ecs, sts

from local.environment.settings import ACCOUNT


def role_credentials(definition: str) -> dict[str, str]:
    """Open a session of the role that a task definition (`family:revision`) names, and return its keys.

    They do not expire, because a process gets them only once, at its start.
    """
    role = ecs._task_defs[definition]["taskRoleArn"].rsplit("/", 1)[-1]
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{definition.replace(':', '-')}",
        "UserId": f"{role}:{definition}",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "AccountId": ACCOUNT,
        "PrincipalType": "AssumedRole",
    }
    sts.register_session(key, session)
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
