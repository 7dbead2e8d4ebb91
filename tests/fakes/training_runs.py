"""The table of training runs in memory."""

from datetime import datetime

from slipway.errors import NotFoundError
from slipway.training.account.progress import Progress
from slipway.training.account.table import Holder, Question


class RunsInMemory:
    """A `RunTable` as `slipway.training.account.table.DynamoRuns` is one."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], Progress] = {}
        self.active: dict[str, Holder] = {}
        self.questions: dict[str, Question] = {}

    def hold(self, model: str, holder: Holder, now: datetime) -> Holder | None:
        other = self.active.get(model)
        if other is not None and other.execution != holder.execution and other.until >= now:
            return other
        self.active[model] = holder
        return None

    def take_over(self, model: str, holder: Holder, dead: Holder) -> Holder | None:
        if self.active[model].execution != dead.execution:
            return self.active[model]
        self.active[model] = holder
        return None

    def let_go(self, holder: Holder, model: str) -> None:
        if self.active.get(model) is not None and self.active[model].run == holder.run:
            del self.active[model]

    def save(self, progress: Progress) -> None:
        self.records[progress.run.model, progress.run.id] = progress

    def get(self, model: str, run: str) -> Progress:
        if (found := self.find(model, run)) is None:
            raise NotFoundError(f"training run of {model}", run)
        return found

    def find(self, model: str, run: str) -> Progress | None:
        return self.records.get((model, run))

    def past(self, model: str) -> list[Progress]:
        found = [each for (name, _), each in self.records.items() if name == model]
        return sorted(found, key=lambda each: each.run.started_at, reverse=True)

    def ask(self, model: str, question: Question) -> None:
        self.questions[model] = question

    def asked(self, model: str) -> Question | None:
        return self.questions.get(model)
