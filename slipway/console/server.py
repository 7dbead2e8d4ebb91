"""Serves a console on loopback until it is stopped."""

import uvicorn

from slipway.console.app import create_app
from slipway.console.settings import HOST, ConsoleSettings
from slipway.console.workspace import Workspace

_CLOSING_SECONDS = 2  # streams of releases stay open until their page is closed


def serve(settings: ConsoleSettings, workspace: Workspace) -> None:
    """Serve until SIGINT or SIGTERM. There is no access log: addresses have names of entities."""
    workspace.prepare()
    app = create_app(settings, workspace)
    options = uvicorn.Config(
        app,
        host=HOST,
        port=settings.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_CLOSING_SECONDS,
    )
    uvicorn.Server(options).run()
