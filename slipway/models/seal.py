"""The seal of a manifest: the SHA-256 of its content, by which a changed ``model.yaml`` is recognized."""

import hashlib
import json
import re
from collections.abc import Mapping

SEAL = "seal"
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_SEAL_LINE = re.compile(rf"^{SEAL}:.*\n?", re.MULTILINE)
# Aliases let a short YAML text stand for far more JSON.
_MOST_CHARACTERS = 16 * 1024 * 1024


def seal_of(document: Mapping[str, object]) -> str:
    """Hash a parsed manifest, without its ``seal``, as JSON with sorted keys and no spaces.

    Raises:
        ValueError: it has a value that JSON does not have, such as a date, or is far too large.
    """
    digest, size = hashlib.sha256(), 0
    try:
        for piece in _CANONICAL.iterencode({key: value for key, value in document.items() if key != SEAL}):
            digest.update(piece.encode())
            size += len(piece)
            if size > _MOST_CHARACTERS:
                raise ValueError(f"it is over {_MOST_CHARACTERS} characters of JSON")
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return digest.hexdigest()


def with_seal(text: str, seal: str) -> str:
    """The YAML text of a manifest with ``seal`` as its last line, in place of any earlier one."""
    unsealed = _SEAL_LINE.sub("", text)
    return "\n".join([unsealed.removesuffix("\n"), f"{SEAL}: {seal}", ""])
