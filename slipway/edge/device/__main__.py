"""The component on a device: ``python -m slipway.edge.device`` proves the package, then sends the outbox now and then.

With ``--once`` it sends once and exits. Without ``--api`` nothing is sent. The file of ``--token-file`` is read before
each sending, so that the token may be renewed.
"""

import argparse
import json
import logging
import signal
from dataclasses import asdict
from pathlib import Path
from threading import Event

from slipway.edge.outbox import Outbox
from slipway.edge.posting import BearerPost
from slipway.edge.sending import send
from slipway.errors import SlipwayError, UnavailableError
from slipway.models.embedded import load

_LOG = logging.getLogger("slipway")


def main(arguments: list[str] | None = None) -> int:
    """Run until the process is told to stop; the exit code is 1 if the package does not prove itself."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        model = load(given.package, verify=True)
        _LOG.info("%s %d answers its golden records", model.name, model.version)
        if given.api:
            _keep_sending(given, _stopping())
    except SlipwayError as error:
        _LOG.error("%s", error)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway.edge.device", description=__doc__)
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--outbox", type=Path, required=True, help="folder of the outbox")
    parser.add_argument("--api", default="", help="address of the API, https://…")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token")
    parser.add_argument("--every", type=float, default=300.0, help="seconds between two sendings")
    parser.add_argument("--once", action="store_true", help="send once and exit")
    return parser


def _stopping() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _keep_sending(given: argparse.Namespace, stop: Event) -> None:
    outbox = Outbox(given.outbox)
    while not stop.is_set():
        try:
            _LOG.info("sent %s", json.dumps(asdict(send(outbox, _post(given)))))
        except (OSError, UnavailableError) as error:
            if given.once:
                raise UnavailableError("home", str(error)) from error
            _LOG.warning("%d bytes wait: %s", outbox.bytes_waiting(), error)
        if given.once:
            return
        stop.wait(given.every)


def _post(given: argparse.Namespace) -> BearerPost:
    token = given.token_file.read_text(encoding="utf-8").strip() if given.token_file else None
    return BearerPost(given.api, token)


if __name__ == "__main__":
    raise SystemExit(main())
