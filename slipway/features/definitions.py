"""The feature groups of slipway.yaml: validation of writes, and defaults for missing features."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType, FeatureValue
from slipway.errors import FieldProblem, InputError, NotFoundError, TooLargeError
from slipway.features.store import EARLIEST_SECONDS, FeatureKey, FeatureWrite, to_milliseconds

CLOCK_SKEW = timedelta(minutes=5)
ID_CHARACTERS = 256  # at most 1024 bytes of UTF-8; a partition key may have 2048
ITEM_BYTES = 400 * 1024  # DynamoDB's limit, attribute names included
_NAMES_AND_NUMBERS = 128  # bytes of an item besides key and values, rounded up
_INTEGERS = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class AcceptedWrite:
    """A valid write in its stored form."""

    key: FeatureKey
    values: dict[str, FeatureValue]
    text: str  # the values as JSON
    event_milliseconds: int
    expires_at: int | None  # in seconds since 1970
    written_milliseconds: int | None = None  # the writer's clock, of groups whose history is kept


class FeatureDefinitions:
    """The feature groups of a configuration."""

    def __init__(self, groups: Mapping[str, FeatureGroupConfig]) -> None:
        self.groups = dict(groups)
        self.entities = {name: group.entity for name, group in groups.items()}

    def group(self, name: str) -> FeatureGroupConfig:
        """The group of this name; raises NotFoundError if slipway.yaml does not define it."""
        try:
            return self.groups[name]
        except KeyError:
            raise NotFoundError("feature group", name, self.groups) from None

    def groups_of(self, entity: str) -> tuple[str, ...]:
        """The names of an entity's groups; raises NotFoundError if it has none."""
        found = tuple(name for name, owner in self.entities.items() if owner == entity)
        if not found:
            raise NotFoundError("entity", entity, dict.fromkeys(self.entities.values()))
        return found

    def defaults(self, group: str) -> dict[str, FeatureValue]:
        """The default of each feature of a group that has one."""
        features = self.group(group).features
        return {name: feature.default for name, feature in features.items() if feature.default is not None}

    def check_keys(self, keys: Iterable[FeatureKey]) -> None:
        """Raise InputError or NotFoundError for the first invalid key."""
        seen: set[tuple[str, str]] = set()
        for key in keys:
            if (key.entity, key.group) not in seen:
                self._check_entity(key)
                seen.add((key.entity, key.group))
            if not 0 < len(key.id) <= ID_CHARACTERS or not (key.id.isascii() or _is_unicode(key.id)):
                raise InputError.of(key.entity, f"the id must be 1 to {ID_CHARACTERS} characters of valid Unicode")

    def _check_entity(self, key: FeatureKey) -> None:
        entity = self.group(key.group).entity
        if key.entity != entity:
            raise InputError.of(key.group, f"belongs to the entity {entity}, not to {key.entity}")

    def accept(self, write: FeatureWrite, now: datetime) -> AcceptedWrite:
        """Check a write and convert it to its stored form.

        An integer given for a float feature is stored as a float. Integers are 64-bit and signed. None leaves a feature
        out of the row, which may then be empty.

        Raises:
            InputError: a value has the wrong type or range, or the event time is naive, ahead of the clock or expired.
            TooLargeError: the row exceeds 400 KB.
            NotFoundError: slipway.yaml does not define the group.
        """
        self.check_keys([write.key])
        values = self._values(write)
        text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        _check_size(write.key, values, text)
        milliseconds = _event_milliseconds(write, now)
        expires_at = self._expiry(write, milliseconds, now)
        written = None if self.groups[write.key.group].history is None else to_milliseconds(now)
        return AcceptedWrite(write.key, values, text, milliseconds, expires_at, written)

    def _values(self, write: FeatureWrite) -> dict[str, FeatureValue]:
        group = write.key.group
        features = self.groups[group].features
        if not write.values:
            raise InputError.of(group, "a write needs at least one feature")
        values: dict[str, FeatureValue] = {}
        problems: list[FieldProblem] = []
        for name, value in write.values.items():
            feature = features.get(name)
            if feature is not None and value is None:
                continue
            message = _unknown(features) if feature is None else wrong_value(feature, value)
            if feature is None or message is not None:
                problems.append(FieldProblem(f"{group}.{name}", message or ""))
            else:
                values[name] = float(value) if feature.type is FeatureType.FLOAT else value
        if problems:
            raise InputError(problems)
        return values

    def _expiry(self, write: FeatureWrite, event_milliseconds: int, now: datetime) -> int | None:
        days = self.groups[write.key.group].ttl_days
        if days is None:
            return None
        # Rounded up to DynamoDB's whole seconds, so that no row expires early.
        expires_at = math.ceil((event_milliseconds + days * 86_400_000) / 1000)
        if expires_at <= now.timestamp():
            raise InputError.of(
                f"{write.key.group}.event_time",
                f"{write.event_time.isoformat()} has already expired: the group's ttl_days is {days:g}",
            )
        return expires_at


def wrong_value(feature: FeatureConfig, value: object) -> str | None:
    """Why ``value`` is invalid for ``feature``; None if it is valid."""
    if not feature.accepts(value):
        return f"must be of type {feature.type}, not {type(value).__name__}"
    if isinstance(value, str) and not _is_unicode(value):
        return "must be valid Unicode"
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INTEGERS:
        return "must be an integer of at most 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, not {value}"
    return None


def _unknown(features: Mapping[str, FeatureConfig]) -> str:
    return f"is not a feature of this group, which has {', '.join(features)}"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _check_size(key: FeatureKey, values: Mapping[str, FeatureValue], text: str) -> None:
    if 4 * len(text) + 4096 < ITEM_BYTES:  # the usual row: small enough even at four bytes a character
        return
    size = len(text.encode()) + sum(len(part.encode()) for part in key) + _NAMES_AND_NUMBERS
    if size > ITEM_BYTES:
        sizes = {name: len(json.dumps(value, ensure_ascii=False).encode()) for name, value in values.items()}
        largest = max(sizes, key=sizes.__getitem__)
        raise TooLargeError.of(
            f"{key.group}.{largest}",
            f"has {sizes[largest]} of the row's {size} bytes; DynamoDB stores at most {ITEM_BYTES} bytes per row",
        )


def _event_milliseconds(write: FeatureWrite, now: datetime) -> int:
    field = f"{write.key.group}.event_time"
    if write.event_time.tzinfo is None:
        raise InputError.of(field, "needs a time zone, e.g. 2026-01-31T12:00:00Z")
    if write.event_time - now > CLOCK_SKEW:
        raise InputError.of(field, f"{write.event_time.isoformat()} is in the future")
    milliseconds = to_milliseconds(write.event_time)
    if milliseconds < 0:
        raise InputError.of(field, f"{write.event_time.isoformat()} is before 1970")
    if milliseconds < 1000 * EARLIEST_SECONDS:
        raise InputError.of(field, f"{write.event_time.isoformat()} is too old to be meant; is its unit wrong?")
    return milliseconds
