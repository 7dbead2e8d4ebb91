"""The parts of `slipway local loop` that need no embedded AWS: its project, its days, its months and its picture."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.documents import DOCS

from slipway import load
from slipway.cli.local.loop.days import Day, every
from slipway.cli.local.loop.months import Ledger
from slipway.cli.local.loop.picture import draw
from slipway.cli.local.loop.project import CONFIG, MODEL, PACKAGE, make_project
from slipway.cli.local.loop.stages import Stages
from slipway.cli.local.recording import Hour, Recorded
from slipway.cli.predict_input import Placed
from slipway.config import load_config
from slipway.errors import NotFoundError
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.training.account.progress import Phase

ROOT = DOCS.parent
OPPOSITE = {"late": "on time", "on time": "late"}


def hour(number: int, *labels: str) -> Hour:
    start = datetime(2013, 6, 1, number, tzinfo=UTC)
    weather = FeatureWrite(FeatureKey("airport", "JFK", "airport-weather"), {"temperature": float(number)}, start)
    return Hour(start, [weather], [Recorded(Placed({"number": number}, "here"), label) for label in labels])


DAY = Day(date(2013, 6, 1), (hour(0, "late"), hour(2, "on time"), hour(3, "late", "late")))


def test_the_project_has_what_the_checkout_has_and_trains_again(tmp_path: Path) -> None:
    make_project(ROOT, tmp_path)
    config, whole = load_config(tmp_path / CONFIG), load_config(ROOT / "slipway.yaml")
    assert config.features["airport-weather"].features == whole.features["airport-weather"].features
    training = config.models[MODEL].training
    assert training is not None
    assert training.triggers == ("drift", "accuracy")
    assert (tmp_path / "recipes" / "flight_delay.py").exists()
    assert load(tmp_path / PACKAGE).version == 1


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="run this in a checkout"):
        make_project(tmp_path, tmp_path / "loop")
    assert not (tmp_path / "loop").exists()


def test_poisoned_days_have_the_opposite_labels_and_all_else() -> None:
    poisoned = DAY.flipped(OPPOSITE)
    assert [each.label for at in poisoned.hours for each in at.records] == ["on time", "late", "on time", "on time"]
    assert poisoned.flipped(OPPOSITE) == DAY


def test_blocks_of_hours_keep_every_record_and_write() -> None:
    joined = DAY.in_blocks(3)
    assert [len(each.records) for each in joined.hours] == [2, 2]
    assert [len(each.writes) for each in joined.hours] == [2, 1]
    assert joined.hours[0].start == DAY.hours[0].start


def test_days_that_were_passed_over_come_later() -> None:
    days = [Day(date(2013, 6, number), ()) for number in range(1, 6)]
    assert [day.date.day for day in every(days, 2)] == [1, 3, 5, 2, 4]


def test_months_are_counted_for_the_loop_and_for_version_1_and_drawn(tmp_path: Path) -> None:
    model = load(ROOT / PACKAGE)
    record = {each.name: None for each in model.inputs if each.nullable} | {
        "carrier": "B6",
        "origin": "JFK",
        "destination": "BOS",
        "departure": 1080,
        "arrival": 1160,
        "weekday": 5,
        "distance": 187.0,
    }
    [answer] = model.predict([record])
    ledger = Ledger(model, {"airport": "origin"})
    other = OPPOSITE[answer["label"]]
    served = [{"label": other, "version": 2}, {"label": answer["label"], "version": 1}]
    ledger.count(ledger.month(6), [(record, other, each) for each in served])
    month = ledger.months[6]
    assert (month.name, month.accuracy, month.accuracy_first) == ("June", 0.5, 0.0)
    assert month.by_version == Counter({1: 1, 2: 1})
    month.poisoned = True
    ledger.mark("2 promoted")
    draw(ledger, tmp_path / "made" / "loop.svg")
    assert (tmp_path / "made" / "loop.svg").read_text("utf-8").startswith("<?xml")


class LateWorld:
    """One poisoned run, which ends after the first look at it."""

    def __init__(self) -> None:
        self.ended = False
        self.told = False

    def runs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(run=SimpleNamespace(id="poisoned"), phase=Phase.REFUSED)] if self.ended else []

    def look(self) -> None:
        self.told, self.ended = self.ended, True

    def month(self, month: object) -> None:
        assert self.told, f"{month} is told before what ended in it"

    def play(self, *_: object, **__: object) -> None: ...


def test_a_run_that_ends_after_the_last_look_is_told_before_the_loop_goes_on() -> None:
    world = LateWorld()
    ledger = SimpleNamespace(month=lambda number: number, at=0.0)
    traffic = SimpleNamespace(ledger=ledger, play=world.play, new_labels=0)
    stages = Stages(cast("Any", world), cast("Any", traffic), cast("Any", world), {11: [DAY], 12: [DAY]}, least=9)
    assert stages.poison().phase is Phase.REFUSED
    assert world.told
