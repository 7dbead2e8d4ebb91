"""The name of the secret parameter with the keys of prediction ids."""


def id_keys_parameter(project: str) -> str:
    """The name of the SSM parameter, a SecureString, that holds the keys which prediction ids are signed with."""
    return f"/{project}/id-keys"
