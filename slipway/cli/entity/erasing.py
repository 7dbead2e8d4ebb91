"""What erases an entity from a deployment."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from slipway.cli.deployed import Deployed
from slipway.config import Config

if TYPE_CHECKING:
    from slipway.monitoring.erasure.eraser import Eraser


def eraser_of(deployed: Deployed, config: Config, tell: Callable[[str, int], None]) -> "Eraser":
    """An eraser of all that a deployment stores; it tells the folders that it reads, with the number of files."""
    from slipway.aws.partitions import PartitionTable  # boto3 takes a quarter of a second to import
    from slipway.aws.table import lazy_client
    from slipway.models.registry.bucket import s3_client
    from slipway.models.registry.table import DynamoVersionTable
    from slipway.monitoring.entities.forgotten import DynamoForgotten
    from slipway.monitoring.erasure.bucket import VersionedFiles
    from slipway.monitoring.erasure.eraser import Eraser, Places
    from slipway.monitoring.erasure.progress import DynamoProgress
    from slipway.monitoring.erasure.shelves import SHELVES

    client = lazy_client(**deployed.options)

    def table(output: str) -> PartitionTable:
        return PartitionTable(deployed.output(output), dependency=f"output {output}", client=client)

    control = table("ControlTable")
    registered = DynamoVersionTable(control.name, client=client)
    files = s3_client(**deployed.options)
    buckets = {shelf.bucket for shelf in SHELVES} & deployed.outputs.keys()
    places = Places(
        features=table("FeaturesTable"),
        control=control,
        cache=table("PredictionsTable"),
        files={output: VersionedFiles(deployed.outputs[output], client=files) for output in buckets},
        shelves=SHELVES,
        # A model that is trained again serves versions that only the registry knows.
        versions=sorted(
            {(name, number) for name, model in config.models.items() for number in model.versions}
            | {(name, record.number) for name in config.models for record in registered.versions(name)}
        ),
    )
    return Eraser(places, DynamoForgotten(control.name, client=client), DynamoProgress(control), tell)
