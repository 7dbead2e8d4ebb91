import json

import pytest
from support.releases.decisions import NOW, arm, heavy, light, stable_arm, started

from slipway.config.releases.options import AbTest, Bandit, BlueGreen, Canary, Interleave, Options, Shadow
from slipway.errors import InputError
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.record.document import dump_record, load_record
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.routing.buckets import BUCKETS


@pytest.mark.parametrize("options", [Canary(), BlueGreen(), Shadow(), AbTest(sticky="user"), Bandit(), Interleave()])
def test_a_record_makes_the_round_trip_through_json(options: Options) -> None:
    world = light(options)
    for _ in range(5):
        world.look({1: stable_arm(500), 2: arm(50)})
    record = world.record.with_order(OperatorOrder(action="rollback", by="ada", at=NOW))
    assert load_record(dump_record(record)) == record
    assert load_record(dump_record(record)).options == options


def test_a_record_of_another_format_or_with_unknown_fields_is_refused_by_name() -> None:
    document = json.loads(dump_record(started(Canary())))
    with pytest.raises(InputError, match=r"release\.format"):
        load_record(json.dumps({**document, "format": 2}))
    with pytest.raises(InputError, match=r"release\.new: is not a known field"):
        load_record(json.dumps({**document, "new": 1}))


def test_a_record_is_small_enough_for_an_item() -> None:
    world = heavy(Canary(bake_minutes=600))
    for _ in range(60):
        world.look({1: stable_arm(5000), 2: arm(250)})
    assert len(dump_record(world.record)) < 20_000


def test_what_serves_follows_the_phase() -> None:
    record = started(AbTest(sticky="user"), arms=2)
    assert [candidate.share for candidate in record.serving.candidates] == [0, 0]
    assert (record.serving.sticky, record.serving.salt, record.serving.strategy) == ("user", record.id, "ab")
    ended = record.model_copy(update={"phase": Phase.PROMOTED, "winner": 3, "shares": (0.0, 1.0)})
    assert (ended.serving.stable, ended.serving.candidates) == (3, ())
    lost = record.model_copy(update={"phase": Phase.FINISHED, "winner": 3})
    assert lost.serving.stable == 1


def test_limits_allow_the_candidate_to_be_slower() -> None:
    world = light(Canary())
    while world.record.phase is not Phase.RUNNING:
        world.look()
    world.look({1: stable_arm(500), 2: arm(50)})
    assert world.record.latency_limits(1) == {"p50": 20, "p99": 60}
    assert world.record.latency_limits(2) == {"p50": 25, "p99": 90}
    assert started(Canary()).latency_limits(2) == {}


def test_every_phase_has_a_sentence_and_ids_differ() -> None:
    assert all(phase.sentence.endswith(".") for phase in Phase)
    assert started(Canary()).id == "m.1-2.20260301T120000000000"
    assert started(Canary()).salt == started(Canary()).id


def clusters(number: float, share: float) -> Clusters:
    return Clusters((number,) * BUCKETS, (number * share,) * BUCKETS)


def test_sums_by_bucket_add_up_since_the_start_and_stay_in_the_record() -> None:
    world = light(AbTest(sticky="user"))
    for _ in range(4):
        arms = {1: stable_arm(1280), 2: arm(1280)}
        world.look(arms, clusters={1: {"errors": clusters(10, 0)}, 2: {"errors": clusters(10, 0.5)}})
    judged = world.record.clustered(2, "errors")
    assert judged is not None
    assert judged.n[5] == 2 * judged.total[5] > 0
    assert world.record.clustered(1, "errors") == Clusters(judged.n, (0.0,) * BUCKETS)
    assert world.record.clustered(1, "reward") is None


def test_a_record_of_ten_versions_counts_fewer_labels_by_bucket_and_fits_an_item() -> None:
    world = light(AbTest(sticky="user"), arms=9)
    keys = ("errors", "p50", "p99", "reward", *(f"label:{number}" for number in range(10)))
    counts = {version: {key: clusters(1000, 0.3) for key in keys} for version in range(1, 11)}
    for _ in range(4):
        world.look({version: stable_arm(1000) for version in range(1, 11)}, clusters=counts)
    assert set(world.record.clusters[10]) == {"errors", "p50", "p99", "reward", *(f"label:{n}" for n in range(4))}
    assert len(dump_record(world.record)) < 250_000


def test_a_record_from_before_buckets_loads_without_them() -> None:
    document = json.loads(dump_record(started(AbTest(sticky="user"))))
    del document["clusters"]
    assert load_record(json.dumps(document)).clusters == {}
