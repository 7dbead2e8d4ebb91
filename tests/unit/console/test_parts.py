"""What pages are made of: pictures, navigation, streams, lineage and costs."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from fastapi import APIRouter
from support.releases.records import NOW, make_release

from slipway.config.releases.options import Canary
from slipway.console.charts import lines, sparkline
from slipway.console.navigation import Page, model_links, project_links
from slipway.console.queries.costs import Costs, traffic_chart
from slipway.console.queries.lineage import Version, lineage
from slipway.console.queries.releases import ending, phases, promotion_sentences, rollback_sentences
from slipway.console.queries.series import Series, of_project
from slipway.console.streams import event, events
from slipway.cost.bill import Bill, Line
from slipway.cost.prices import load_prices
from slipway.models.manifest import Training
from slipway.releases.record.phases import HistoryEntry, Phase

PAGES = [
    Page(name, path, APIRouter()) for name, path in (("Home", "/"), ("Model", "/m/{model}"), ("Run", "/m/{model}/run"))
]


def test_a_chart_has_a_row_for_each_point():
    points = [{"time": "2026-11-27T22:00:00+00:00", "value": 1234.5, "of": "</script>"}]
    chart = lines("Requests", points, series="of", title="requests", domain=(NOW, NOW + timedelta(hours=1)))
    assert chart.columns == ("time", "of", "requests")
    assert chart.rows == (("2026-11-27 22:00", "</script>", "1,234"),)
    spec = json.loads(chart.json)
    assert spec["encoding"]["x"]["scale"]["domain"][0] == NOW.isoformat()
    assert (spec["width"], spec["data"]["values"]) == ("container", points)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0], [1.0, 2.0, 4.0]])
def test_a_sparkline_stays_in_its_box(values: list[float]):
    drawn = sparkline(values, label='"><script>')
    assert "<script>" not in drawn
    points = drawn.split('points="')[1].split('"')[0].split()
    assert len(points) == len(values)
    assert all(0 <= float(point.split(",")[1]) <= 28 for point in points)


@pytest.mark.parametrize(("path", "current"), [("/m/a", "Model"), ("/m/a/run", "Run"), ("/m/a/run/plan", "Run")])
def test_the_innermost_tab_is_the_current_one(path: str, current: str):
    assert [link.name for link in model_links(PAGES, path, "a") if link.current] == [current]
    assert [link.address for link in project_links(PAGES, path)] == ["/"]


def test_a_stream_sends_changes_until_the_last():
    shown = iter([("one\ntwo", False), ("one\ntwo", False), ("<b>", True)])

    async def read() -> list[str]:
        return [text async for text in events(lambda: next(shown), "settled", 0.0)]

    assert asyncio.run(read()) == ["data: one\ndata: two\n\n", "data: <b>\n\n", "event: settled\ndata: \n\n"]


def test_an_event_never_ends_within_its_text():
    assert event("a\r\n\r\nb\revent: forged") == "data: a\ndata: \ndata: b\ndata: event: forged\n\n"


def versions() -> Iterator[Version]:
    yield Version("large", 2, training=Training(command="c", parent=1))
    yield Version("other", 1, training=Training(command="c"))
    yield Version("small", 1, training=Training(command="c"))
    yield Version("small", 2, training=Training(command="c", parent=1, teacher="large:2"))


def test_lineage_leads_from_parents_and_teachers_even_if_they_are_not_there():
    found = lineage(versions())
    assert {edge.says for edge in found.edges} == {
        "large:2 has the parent large:1",
        "small:2 has the parent small:1",
        "small:2 has the teacher large:2",
    }
    known = {node.version.label: node.version.known for node in found.nodes}
    assert (known["large:1"], known["small:2"]) == ("not found", "here")
    places = {(node.x, node.y) for node in found.nodes}
    assert len(places) == len(found.nodes)
    assert all(node.x < found.width and node.y < found.height for node in found.nodes)


def test_metrics_without_data_are_none_of_it():
    start = datetime(2026, 11, 27, tzinfo=UTC)
    query, other = of_project("p", "Requests", "Sum"), of_project("p", "Errors", "Sum")
    series = Series(start, timedelta(minutes=1), 3, {query: {start + timedelta(minutes=1): 5.0}, other: {}})
    assert series.values(query) == [None, 5.0, None]
    assert series.counts(query, other) == [0, 5, 0]
    assert series.totals() == {query: 5.0}
    assert [point["value"] for point in series.points(query)] == [5.0]


def line(dollars: str) -> tuple[Line, ...]:
    return (Line("item", 1, "", Decimal(1), "", Decimal(dollars)),)


def costs(requests: dict[str, tuple[Line, ...]]) -> Costs:
    whole = Bill(line("110"), (), requests, {}, {})
    return Costs(whole, Bill(line("100"), (), {}, {}, {}), load_prices("us-east-1"))


def test_the_tiers_cross_where_their_bills_are_equal():
    found = costs({"light": line("3"), "heavy": line("1")})
    assert found.crossing == 50_000_000
    assert found.month("light", 50e6) == found.month("heavy", 50e6) == 160
    assert [layer["mark"]["type"] for layer in traffic_chart(found).spec["layer"]] == ["line", "rule"]


@pytest.mark.parametrize("requests", [{"light": "1", "heavy": "3"}, {"light": "3"}])
def test_there_may_be_no_crossing(requests: dict[str, str]):
    found = costs({tier: line(dollars) for tier, dollars in requests.items()})
    assert found.crossing is None
    assert len(traffic_chart(found).spec["layer"]) == 1


def test_the_way_of_a_release_has_what_was_and_what_is_to_come():
    entry = HistoryEntry(at=NOW, by="controller", phase=Phase.RUNNING, what="20 % to the candidate")
    record = make_release(options=Canary())
    running = record.model_copy(update={"phase": Phase.RUNNING, "history": (*record.history, entry)})
    way = [(each.phase.value, each.since is not None, each.current) for each in phases(running)]
    assert way == [("pending", True, False), ("running", True, True), ("baking", False, False)]
    assert ending(running) is None


def test_the_end_of_a_release_says_why():
    why = HistoryEntry(
        at=NOW, by="controller", phase=Phase.ROLLED_BACK, what="rolled back", evidence=("errors: worse",)
    )
    record = make_release(options=Canary())
    over = record.model_copy(update={"phase": Phase.ROLLED_BACK, "history": (*record.history, why)})
    assert ending(over) == why
    assert [each.phase.value for each in phases(over)] == ["pending", "rolled-back"]


def test_actions_are_said_in_words():
    record = make_release(options=Canary())
    assert f"All traffic of {record.model} goes back to version {record.stable} at once." in rollback_sentences(record)
    assert any(
        "is not asked. What it says now: too early." in each for each in promotion_sentences(record, "too early")
    )
    baking = record.model_copy(update={"phase": Phase.BAKING})
    assert any("becomes the stable version" in each for each in promotion_sentences(baking, None))


def test_prices_have_their_date():
    assert isinstance(costs({}).prices.as_of, date)
