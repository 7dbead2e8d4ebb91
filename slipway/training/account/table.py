"""The runs of training in the DynamoDB table `control`: their records, which of them is active, and who is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slipway.aws.table import DynamoTable, Item
from slipway.errors import InputError, NotFoundError, UnavailableError
from slipway.training.account.progress import Progress, load_progress

if TYPE_CHECKING:
    from slipway.aws.table import Backoff, ClientFactory

_ACTIVE = "active"
_TOKEN = "token"  # noqa: S105 - the name of an item
_RUN = "run#"


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that may work on a model, until when at the latest, and the execution that does."""

    run: str
    execution: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: the run, the version, and the token with which the answer goes to the execution."""

    run: str
    version: int
    token: str


class DynamoRuns:
    """Items under `training#{model}`: `run#{id}` for each run, `active`, and `token` while a person is asked.

    Every method raises UnavailableError if the table cannot be reached.
    """

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: "Backoff | None" = None) -> None:
        self.name = table
        self._table = DynamoTable(table, dependency="training table", client=client, backoff=backoff)

    def hold(self, model: str, holder: Holder, now: datetime) -> Holder | None:
        """Make a run the active one of its model; returns the holder if another execution has the model, or None."""
        condition = "attribute_not_exists(pk) OR #execution = :execution OR #until < :now"
        return self._held(model, holder, condition, {":execution": {"S": holder.execution}, ":now": _seconds(now)})

    def take_over(self, model: str, holder: Holder, dead: Holder) -> Holder | None:
        """Make a run the active one in place of one whose execution has ended; returns the active one otherwise."""
        return self._held(model, holder, "#execution = :dead", {":dead": {"S": dead.execution}})

    def let_go(self, holder: Holder, model: str) -> None:
        """End a run's hold on its model, if it has it."""
        over = Holder(holder.run, holder.execution, datetime.fromtimestamp(0, UTC))
        self._held(model, over, "#run = :run", {":run": {"S": holder.run}})

    def save(self, progress: Progress) -> None:
        """Store a run's record in place of the one before."""
        run = progress.run
        item = {**_key(run.model, f"{_RUN}{run.id}"), "record": {"S": progress.model_dump_json()}}
        self._table.batch_put([item])

    def get(self, model: str, run: str) -> Progress:
        """A run's record; raises NotFoundError."""
        found = self._table.batch_get([_key(model, f"{_RUN}{run}")], consistent=True)
        if not found:
            raise NotFoundError(f"training run of {model}", run)
        return _progress(found[0])

    def find(self, model: str, run: str) -> Progress | None:
        """A run's record, or None."""
        found = self._table.batch_get([_key(model, f"{_RUN}{run}")], consistent=True)
        return _progress(found[0]) if found else None

    def past(self, model: str) -> list[Progress]:
        """The runs of a model, newest first."""
        items = self._table.query(f"training#{model}", _RUN, consistent=True)
        return sorted(map(_progress, items), key=lambda each: each.run.started_at, reverse=True)

    def ask(self, model: str, question: Question) -> None:
        """Store what a person is asked, in place of an earlier question."""
        version = {"N": str(question.version)}
        item = {"run": {"S": question.run}, "version": version, "token": {"S": question.token}}
        self._table.batch_put([{**_key(model, _TOKEN), **item}])

    def asked(self, model: str) -> Question | None:
        """What a person was asked last, answered or not; None if never."""
        found = self._table.batch_get([_key(model, _TOKEN)], consistent=True)
        if not found:
            return None
        item = found[0]
        return Question(item["run"]["S"], int(item["version"]["N"]), item["token"]["S"])

    def _held(self, model: str, holder: Holder, condition: str, values: Item) -> Holder | None:
        held = {"run": {"S": holder.run}, "execution": {"S": holder.execution}, "until": _seconds(holder.until)}
        # A DynamoDB call names only what its condition has.
        names = {f"#{name}": name for name in ("run", "until", "execution") if f"#{name}" in condition}
        refused = self._table.put_if(
            {**_key(model, _ACTIVE), **held},
            condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
        return _holder(refused) if refused else None


def _seconds(moment: datetime) -> Item:
    return {"N": str(int(moment.timestamp()))}


def _holder(item: Item) -> Holder:
    return Holder(item["run"]["S"], item["execution"]["S"], datetime.fromtimestamp(int(item["until"]["N"]), UTC))


def _key(model: str, sort: str) -> Item:
    return {"pk": {"S": f"training#{model}"}, "sk": {"S": sort}}


def _progress(item: Item) -> Progress:
    try:
        return load_progress(item["record"]["S"])
    except (KeyError, InputError) as error:
        name = f"{item['pk']['S']} / {item['sk']['S']}"
        raise UnavailableError(
            "training table", f"the item {name} was not written by this version of Slipway"
        ) from error
