"""Read the serving part of releases from the DynamoDB table `control`; serving processes read nothing else of them.

This module does not import the records or the judge, because that would slow down a cold start.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from slipway.aws.table import DynamoTable, Item
from slipway.errors import InputError, UnavailableError
from slipway.releases.routing.serving import Serving, ServingStore, dump_serving, load_serving

if TYPE_CHECKING:
    from slipway.aws.table import Backoff, ClientFactory
    from slipway.config import Config, ModelConfig

_SERVING = "serving"


class DynamoServingStore:
    """A `ServingStore` that reads the items `serving` under `model#{name}`."""

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: "Backoff | None" = None) -> None:
        self._table = DynamoTable(table, dependency="release store", client=client, backoff=backoff)

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:
        keys = [key_of(model, _SERVING) for model in dict.fromkeys(models)]
        items = self._table.batch_get(keys, consistent=consistent)
        return {serving.release.model: serving for serving in map(_serving, items)}


def stable_of(store: ServingStore, config: "Config", model: str, *, consistent: bool = False) -> int:
    """The stable version that serves a model; see `stable_versions`."""
    return stable_versions(store, config, [model], consistent=consistent)[model]


def stable_versions(
    store: ServingStore, config: "Config", models: Iterable[str], *, consistent: bool = False
) -> dict[str, int]:
    """The stable version that serves each model, in one read; raises UnavailableError.

    It is that of the model's releases, or of slipway.yaml if there was none. Slots serve what was recorded. Functions
    serve only versions that slipway.yaml may have, and else its stable one, as `LiveReleases` says.
    """
    names = list(models)
    found = store.serving(names, consistent=consistent)
    return {name: _stable(config.models[name], found.get(name)) for name in names}


def _stable(model: "ModelConfig", serving: Serving | None) -> int:
    if serving is None:
        return model.stable
    recorded = serving.release.stable
    return recorded if model.tier == "heavy" or model.may_have(recorded) else model.stable


def serving_item(serving: Serving) -> Item:
    """The DynamoDB item of a serving part."""
    return {
        **key_of(serving.release.model, _SERVING),
        "value": {"S": dump_serving(serving)},
        "revision": {"N": str(serving.revision)},
    }


def key_of(model: str, sort: str) -> Item:
    """The key of a model's item."""
    return {"pk": {"S": f"model#{model}"}, "sk": {"S": sort}}


def foreign_item(item: Item) -> UnavailableError:
    """The error for an item that this version of Slipway did not write."""
    name = f"{item['pk']['S']} / {item['sk']['S']}"
    return UnavailableError("release store", f"the item {name} was not written by this version of Slipway")


def _serving(item: Item) -> Serving:
    try:
        return load_serving(item["pk"]["S"].removeprefix("model#"), item["value"]["S"])
    except (KeyError, InputError) as error:
        raise foreign_item(item) from error
