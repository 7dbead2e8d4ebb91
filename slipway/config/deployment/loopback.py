"""Loopback addresses: recognise them, and keep every client from calling them through a proxy.

boto3, httpx, urllib and the CDK's Node all read `NO_PROXY`, so one change of a process's environment reaches them all.
"""

import ipaddress
from collections.abc import Mapping, MutableMapping
from urllib.parse import urlsplit

_HOSTS = ("127.0.0.1", "localhost", "::1")
_NAMES = ("no_proxy", "NO_PROXY")  # clients that know both prefer the first


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def no_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """`NO_PROXY` in both spellings: the hosts that the environment excepts already, and loopback."""
    given = next((environment[name] for name in _NAMES if environment.get(name)), "")
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    if "*" in hosts:
        return dict.fromkeys(_NAMES, "*")
    return dict.fromkeys(_NAMES, ",".join(dict.fromkeys([*hosts, *_HOSTS])))


def keep_direct(environment: MutableMapping[str, str]) -> None:
    """Make this process, and those that it starts, call loopback without a proxy."""
    environment.update(no_proxy(environment))
