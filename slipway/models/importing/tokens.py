"""Prepare a tokenizer.json for a package: truncation to the model's limit, and padding with its own token."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import InputError, PackageError
from slipway.models.importing.source import Values

_ATTRIBUTES = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
INPUTS = tuple(_ATTRIBUTES)


def read_tokenizer(path: Path, *, most: int | None, pad_id: int | None = None) -> Any:
    """Read a tokenizer and make it truncate texts to ``most`` tokens, or to its own limit if that is lower.

    Raises:
        PackageError: the file is missing or not a tokenizer.
        InputError: it has no limit, and ``most`` is None.
    """
    from tokenizers import Tokenizer

    if not path.is_file():
        raise PackageError(path, "is missing")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise PackageError(path, f"is not a tokenizer: {error}") from error
    _truncate(tokenizer, path, most)
    if pad_id is not None and tokenizer.id_to_token(pad_id) is not None:
        tokenizer.enable_padding(pad_id=pad_id, pad_token=tokenizer.id_to_token(pad_id))
    return tokenizer


def _truncate(tokenizer: Any, path: Path, most: int | None) -> None:
    own = tokenizer.truncation
    limits = [limit for limit in (most, own["max_length"] if own else None) if limit]
    if not limits:
        raise InputError.of(
            "--max-tokens", f"{path.name} does not truncate texts; give the number of tokens that the model takes"
        )
    kept = {key: value for key, value in (own or {}).items() if key != "max_length"}
    tokenizer.enable_truncation(max_length=min(limits), **kept)


def encode_one(tokenizer: Any, text: str, names: Sequence[str]) -> dict[str, Values]:
    """One text as ``[1, tokens]``, without padding."""
    encoding = tokenizer.encode(text)
    length = sum(encoding.attention_mask)
    return {name: np.array([getattr(encoding, _ATTRIBUTES[name])[:length]], np.int64) for name in names}
