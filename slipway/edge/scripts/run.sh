#!/bin/sh
# Proves the package, and sends the outbox of the folder now and then: run.sh FOLDER
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
set -- "$1/venv/bin/python" -m slipway.edge.device --package "$here/package" --outbox "$1/outbox"
[ -z "${SLIPWAY_EVERY:-}" ] || set -- "$@" --every "$SLIPWAY_EVERY"
[ -z "${SLIPWAY_API:-}" ] || set -- "$@" --api "$SLIPWAY_API"
[ -z "${SLIPWAY_TOKEN_FILE:-}" ] || set -- "$@" --token-file "$SLIPWAY_TOKEN_FILE"
PYTHONPATH="$here/runtime" exec "$@"
