"""How one console is served: its address, what it may do, and where its scripts lie."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
PORT = 8081


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The address and the rights of one console.

    ``token`` is in every form, and new for each process. ``node_modules`` has the scripts that pages load.
    """

    port: int = PORT
    read_only: bool = False
    node_modules: Path = Path("node_modules")
    token: str = field(default_factory=secrets.token_urlsafe, repr=False)

    @property
    def address(self) -> str:
        """Where the console answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The values of `Host` that a browser on this machine sends."""
        return frozenset(f"{name}:{self.port}" for name in (HOST, "localhost", "[::1]"))

    @property
    def origins(self) -> frozenset[str]:
        """The values of `Origin` that this console's own pages send."""
        return frozenset(f"http://{host}" for host in self.hosts)
