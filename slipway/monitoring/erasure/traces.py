"""What the tables hold of a captured prediction: feedback, labels, and the cached answer."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slipway.aws.partitions import PartitionTable
from slipway.aws.table import Item
from slipway.errors import InputError
from slipway.features.cache import cache_key
from slipway.monitoring.accuracy.labels_table import LISTED, drawn_partition, feedback_key, hour_partition
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id

FEEDBACK = "feedback and labels"
CACHED = "cached predictions"
_OF_A_PREDICTION = ("feedback", "capture", "counted")


class Traces:
    """Erases what the tables hold of captured predictions.

    Args:
        control: the table `control`.
        cache: the table of cached predictions.
    """

    def __init__(self, control: PartitionTable, cache: PartitionTable) -> None:
        self._control = control
        self._cache = cache

    def erase(self, captures: Iterable[Mapping[str, Any]]) -> dict[str, int]:
        """Erase the traces of captures, as files and the index have them; returns how many items there were.

        Raises:
            UnavailableError: a table cannot be reached; erasing again does what is left.
        """
        found = [capture for capture in captures if capture.get("id")]
        feedback = delete_present(self._control, [key for capture in found for key in feedback_keys(capture)])
        cached = delete_present(self._cache, [key for capture in found for key in _cache_keys(capture)])
        return {FEEDBACK: feedback, CACHED: cached}


def delete_present(table: PartitionTable, keys: Iterable[Item]) -> int:
    """Delete those of the keys that there are, and return how many."""
    distinct = {tuple(sorted((name, value["S"]) for name, value in key.items())): key for key in keys}
    items = table.batch_get(list(distinct.values()), consistent=True)
    present: list[Item] = [{name: item[name] for name in ("pk", "sk") if name in item} for item in items]
    table.delete(present)
    return len(present)


def feedback_keys(capture: Mapping[str, Any]) -> Iterator[Item]:
    """The keys of the items of the table `control` that are about a captured prediction."""
    prediction = str(capture["id"])
    for sort in _OF_A_PREDICTION:
        yield feedback_key(prediction, sort)
    try:
        parsed = parse_prediction_id(prediction)
    except InputError:
        return
    for place in (hour_partition(parsed.model, parsed.made_at), drawn_partition(parsed.model)):
        yield {"pk": {"S": place}, "sk": {"S": f"{LISTED}{parsed.version:08d}#{prediction}"}}


def _cache_keys(capture: Mapping[str, Any]) -> Iterator[Item]:
    """The key of the cached answer to the same record; an index entry may lack the record."""
    if isinstance(capture.get("inputs"), Mapping):
        yield {"pk": {"S": cache_key(capture["model"], capture["version"], capture["inputs"])}}
