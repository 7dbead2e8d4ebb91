"""Runs the loop from the first process to the picture."""

from collections.abc import Callable
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slipway.cli.api import Api
from slipway.cli.feature_upload import ApiUpload
from slipway.cli.local.loop.days import days_by_month
from slipway.cli.local.loop.months import Ledger
from slipway.cli.local.loop.news import News
from slipway.cli.local.loop.picture import draw
from slipway.cli.local.loop.project import CONFIG, FIRST, MODEL, PACKAGE, RECORDING
from slipway.cli.local.loop.stages import LEARNED, Stages
from slipway.cli.local.loop.traffic import LABELS_AFTER, Traffic
from slipway.cli.local.loop.world import Schedule, World
from slipway.cli.local.playing import Player
from slipway.cli.local.recording import Recorded, read_recording
from slipway.cli.predict_input import Described
from slipway.config import load_local
from slipway.features.definitions import FeatureDefinitions
from slipway.models.embedded import load
from slipway.releases.record.document import ReleaseRecord
from slipway.training.account.progress import Phase, Progress

PICTURE = "loop.svg"
# On a machine that is busy with something else, the first call of a function takes long.
_ANSWER_SECONDS = 120.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of it: the run whose version was released, its release, the poisoned run, and who serves now."""

    trained: Progress
    release: ReleaseRecord
    poisoned: Progress
    serving: int
    ledger: Ledger
    picture: Path


def run_loop(root: Path, folder: Path, api: str, say: Say) -> Outcome:
    """Go through all stages with the project in ``folder``, which is up at ``api``.

    Raises:
        TrainingError: a stage ended otherwise than it should.
        UnavailableError: the embedded AWS cannot be reached.
    """
    recording = read_recording(root / RECORDING)
    ledger = Ledger(load(folder / PACKAGE), recording.entities)
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        client = stack.enter_context(Api(api, seconds=_ANSWER_SECONDS))
        world = World()
        news = News(world, ledger, say)
        stages = _stages(root, world, client, news)
        stack.enter_context(Schedule(world))
        trained = stages.learn()
        release = stages.release()
        poisoned = stages.poison()
        serving = int(client.get(_path())["release"]["stable"])
    _conclude(say, poisoned, serving)
    draw(ledger, folder / PICTURE)
    return Outcome(trained, release, poisoned, serving, ledger, folder / PICTURE)


def _stages(root: Path, world: World, client: Api, news: News) -> Stages:
    settings = load_local(Path(CONFIG))
    definitions = FeatureDefinitions(settings.features)
    described = Described.of(MODEL, client.get(_path()), None)
    upload = ApiUpload(client, definitions, settings.api.limits.body_bytes)

    def player(share: float, answered: Callable[[Recorded, dict[str, Any]], None]) -> Player:
        return Player(client, MODEL, described, upload, LABELS_AFTER, share, answered)

    one, other = news.ledger.first.manifest.outputs.labels or ("", "")
    traffic = Traffic(player, news.ledger, {one: other, other: one})
    days = days_by_month(root / RECORDING, described, definitions, since=LEARNED[0])
    training = settings.models[MODEL].training
    return Stages(world, traffic, news, days, training.min_new_labels if training else 1)


def _conclude(say: Say, poisoned: Progress, serving: int) -> None:
    by = "the gates" if poisoned.phase is Phase.REFUSED else "the judge"
    say(f"The poisoned labels were stopped by {by}: version {serving} of {MODEL} serves, and {FIRST} is one step back")


def _path() -> str:
    return f"/v1/models/{quote(MODEL, safe='')}"
