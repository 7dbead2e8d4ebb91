"""The image's health check: exits 0 if the service in this container reports that it is alive."""

import http.client
import os
import sys


def is_alive(port: int, *, seconds: float = 2) -> bool:
    """Whether the liveness route of the service on this host answers 200 within ``seconds``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", "/v2/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_alive(int(os.environ.get("PORT", "8080"))))
