#!/bin/sh
# Installs what the lock names, with the digests that it has, into a virtual environment: install.sh VENV
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/pip" install --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r "$here/requirements.lock"
PYTHONPATH="$here/runtime" "$1/bin/python" -m slipway.edge.device --package "$here/package" --outbox "$1/../outbox"
