"""Constants of the embedded AWS, and the environment variables of its processes."""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from slipway.config.deployment.environment import BALANCER
from slipway.config.deployment.loopback import no_proxy

HOST = "127.0.0.1"
REGION = "us-east-1"
ANSWER_SECONDS = 30.0  # what API Gateway gives an HTTP API
ACCOUNT = "000000000000"
CONCURRENCY = 32
# MiniStack's administrator. These keys are valid only in the emulator on this machine.
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - not a secret, see above

_CARRIED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
_DROPPED_PREFIXES = ("AWS_", "CDK_", "PYTHON", "VIRTUAL_ENV", "SLIPWAY_")


def emulator_environment(shell: Mapping[str, str], *, port: int, temporary: Path) -> dict[str, str]:
    """The emulator's environment, which its functions inherit: a little of the shell's, without its credentials."""
    return {
        **{name: shell[name] for name in _CARRIED if name in shell},
        **no_proxy({}),
        **_credentials(ACCESS_KEY, SECRET_KEY),
        "TMPDIR": str(temporary),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        # Check policies, so that a function can do here only what its role allows on AWS.
        "AUTH": "true",
        # Disable listeners on every interface of services that no template uses.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        # Each concurrent call takes a process of about 100 MB; without a limit there would be hundreds.
        "LAMBDA_ACCOUNT_CONCURRENCY": str(CONCURRENCY),
    }


def memory_folder(temporary: Path) -> Path:
    """The folder in memory, on Linux, for what does not fit on the disk of the folder ``temporary``."""
    return Path("/dev/shm") / f"slipway-{hashlib.sha256(str(temporary).encode()).hexdigest()[:16]}"  # noqa: S108


def cdk_environment(shell: Mapping[str, str], *, emulator: str) -> dict[str, str]:
    """The CDK CLI's environment: the shell's, with the emulator as endpoint."""
    kept = {name: value for name, value in shell.items() if not name.startswith(_DROPPED_PREFIXES)}
    return {
        **kept,
        **no_proxy(shell),
        **_credentials(ACCESS_KEY, SECRET_KEY),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), shell.get("PATH", os.defpath)]),
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ENDPOINT_URL_S3": emulator,
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        # The tests validate the templates; here it would take a third of the start time.
        "CDK_VALIDATION": "false",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }


def front_door_environment(shell: Mapping[str, str], *, keys: tuple[str, str] | None) -> dict[str, str]:
    """The front door's environment, with the keys of its IAM user if it has one."""
    carried = {name: shell[name] for name in _CARRIED if name in shell}
    return {**carried, **no_proxy({}), **(_credentials(*keys) if keys else {})}


def console_environment(shell: Mapping[str, str]) -> dict[str, str]:
    """The console's environment, without credentials: it reads the emulator's from the state."""
    carried = {name: shell[name] for name in _CARRIED if name in shell}
    return {**carried, **no_proxy({}), "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def task_environment(given: Mapping[str, str], *, credentials: Mapping[str, str]) -> dict[str, str]:
    """A task's environment: its definition's, with the emulator in place of AWS.

    It is made in the emulator's process, whose environment has only a few of the shell's variables.
    """
    emulator = f"http://{HOST}:{os.environ['GATEWAY_PORT']}"
    carried = {name: os.environ[name] for name in (*_CARRIED, "TMPDIR") if name in os.environ}
    kept = {name: value for name, value in given.items() if not name.startswith(("AWS_CONTAINER_", "ECS_"))}
    if BALANCER in kept:
        kept[BALANCER] = f"{emulator}/_alb/{balancer_name(kept[BALANCER])}"
    own = {**_credentials("", ""), **credentials, "AWS_ENDPOINT_URL": emulator, "PYTHONUNBUFFERED": "1"}
    return {**carried, **no_proxy({}), **kept, **own}


def balancer_name(address: str) -> str:
    """A load balancer's name from its address, for MiniStack's path to it; its DNS name does not resolve."""
    return (urlsplit(address).hostname or "").partition(".")[0].rpartition("-")[0]


def _credentials(access_key: str, secret_key: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
