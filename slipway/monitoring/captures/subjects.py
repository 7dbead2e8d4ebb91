"""The entity that a capture is about, and the sample of entities: all predictions of one are captured, or none."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

_BYTES = 7  # as many as a float holds exactly
_RESOLUTION = float(256**_BYTES)


class Subject(NamedTuple):
    """An entity and its id, such as ``user`` and ``u42``."""

    entity: str
    id: str

    def __str__(self) -> str:
        return f"{self.entity} {self.id}"


def subject_of(entities: Mapping[str, str], configured: str | None) -> Subject | None:
    """The entity that a record is about: the one that slipway.yaml names, else the first one that the record names."""
    name = configured or next(iter(entities), None)
    return Subject(name, entities[name]) if name in entities and name is not None else None


def drawn_by_subject(subject: Subject, key: bytes) -> float:
    """A number in [0, 1), the same for an entity in every model and process that has the secret ``key``.

    The key keeps a caller from making up ids that are captured, or that are not.
    """
    hashed = blake2b(f"{subject.entity}#{subject.id}".encode(), digest_size=_BYTES, key=key)
    return int.from_bytes(hashed.digest()) / _RESOLUTION
