"""The project of the releases' tests: a model for each thing that can happen to a release, on each tier."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.candidates import failing_graph, positive_graph, slow_graph
from support.crowd import Question, Record
from support.packages import WORDS, make_tabular_package, make_text_package

PROJECT = "released"
TIERS = ("light", "heavy")
_ITEMS = 4
STABLE, CANDIDATE = 1, 2
# A request of the heavy tier takes some milliseconds, of which the light tier's measure, the inference, is a part.
_PRODUCTS = {"light": 100, "heavy": 500}

# For a few requests a second of each model, on a machine where the emulator, every model and the clients share two
# processors: margins that some hundred requests can prove. How many of them are slow can be shown, and what the slowest
# in a hundred take cannot.
JUDGE = {
    "judge.min_requests": "30",
    "judge.errors.margin": "0.1",
    "judge.p50.ratio": "3",
    "judge.p99.ratio": "5",
    "judge.p99.proven": "false",
}

Make = Callable[[Path, str, int, str], object]
"""Makes the package of a model's version for a tier in a folder."""


def text(folder: Path, model: str, version: int, tier: str) -> None:
    """A version as good as any."""
    make_text_package(folder, name=model, version=version)


def failing(folder: Path, model: str, version: int, tier: str) -> None:
    """A candidate that fails on a word."""
    make_text_package(folder, name=model, version=version, graph_proto=failing_graph())


def slow(folder: Path, model: str, version: int, tier: str) -> None:
    """A candidate that takes its time."""
    make_text_package(folder, name=model, version=version, graph_proto=slow_graph(_PRODUCTS[tier]))


def positive(folder: Path, model: str, version: int, tier: str) -> None:
    """A candidate with one answer to everything."""
    make_text_package(folder, name=model, version=version, graph_proto=positive_graph())


def by_user(folder: Path, model: str, version: int, tier: str) -> None:
    """A version that is told who asks; the answer hardly depends on it."""
    fields = [{"name": "radius", "type": "float"}, {"name": "user", "type": "integer"}]
    make_tabular_package(folder, name=model, version=version, fields=fields)


def some_words(chance: random.Random) -> Record:
    """A record of the text models."""
    words = chance.choices([*list(WORDS)[2:], "so", "hm"], k=chance.randint(1, 5))
    return {"text": " ".join(words)}


def some_user(chance: random.Random) -> Record:
    """A record of the models that are told who asks."""
    return {"radius": chance.choice([-1000.0, 1000.0]), "user": chance.randint(1, 40)}


@dataclass(frozen=True)
class Case:
    """One release: the strategy with its options, the candidate, the phase that it ends in, and what is blamed.

    ``rewards`` are the means of what the clients say of each version's answers; ``ranked_by`` is the label by whose
    score they have records ranked, where they ask for that.
    """

    name: str
    strategy: str
    options: Mapping[str, str]
    ends: str = "promoted"
    blamed: str = ""
    candidate: Make = text
    stable: Make = text
    record: Callable[[random.Random], Record] = some_words
    rewards: Mapping[int, float] = field(default_factory=dict)
    ranked_by: str | None = None
    tiers: tuple[str, ...] = TIERS

    def model(self, tier: str) -> str:
        """The model that is released so."""
        return f"{tier}-{self.name}"

    def question(self, chance: random.Random) -> Question:
        """A question to it, on either tier."""
        tier = chance.choice(self.tiers)
        records = tuple(self.record(chance) for _ in range(_ITEMS if self.ranked_by else 1))
        return Question(self.model(tier), records, self._reward(chance), self.ranked_by)

    def _reward(self, chance: random.Random) -> Callable[[int], float] | None:
        if not self.rewards:
            return None
        drawn = chance.random()
        return lambda version: float(drawn < self.rewards[version])


_CANARY = {"share": "0.5", "bake_minutes": "1", "warm_minutes": "0"}
_AB = {"sticky": "user", "baseline": "0.3", "effect": "0.5", "promote_winner": "true", "warm_minutes": "0"}
_BANDIT = {
    "update_minutes": "1",
    "delay_minutes": "0",
    "cycle_minutes": "0",
    "min_rewards": "20",
    "promote_winner": "true",
    "warm_minutes": "0",
}
# Too little is asked of a version before a flip to know how long it takes.
_FLIP = {"bake_minutes": "1", "judge.p50.proven": "false"}
CASES = (
    Case("good", "canary", _CANARY),
    Case("failing", "canary", _CANARY, "rolled-back", "errors:", failing),
    Case("slow", "canary", _CANARY, "rolled-back", "latency over the limit", slow),
    Case("positive", "canary", _CANARY, "rolled-back", "positive:", positive),
    Case("linear", "linear", {"step": "0.4", "step_minutes": "0.5", "warm_minutes": "0"}),
    Case("at-once", "all-at-once", _FLIP),
    Case("blue-green", "blue-green", _FLIP, tiers=("light",)),
    Case("undone", "blue-green", {"bake_minutes": "30"}, "rolled-back"),
    Case("waiting", "canary", {**_CANARY, "share": "0.2", "bake_minutes": "60"}),
    Case("ab", "ab", _AB, "promoted", "", by_user, by_user, some_user, {STABLE: 0.2, CANDIDATE: 0.9}),
    Case("bandit", "bandit", _BANDIT, "promoted", "regret", rewards={STABLE: 0.2, CANDIDATE: 0.9}),
    Case("shadow", "shadow", {"minutes": "4"}, "finished", "disagreement", positive, tiers=("light",)),
    Case(
        *("ranked", "interleave", {"promote_winner": "true", "warm_minutes": "0"}, "promoted", "impressions"),
        rewards={STABLE: 0.1, CANDIDATE: 0.9},
        ranked_by="positive",
        tiers=("light",),
    ),
)
EVERY = tuple((case, tier) for case in CASES for tier in case.tiers)
"""Each release with its tier."""
_HEAVY = "heavy: {max_tasks: %d, sessions: 1, threads: 1, max_batch: 1, max_wait_ms: 0}"


def write_project(folder: Path) -> Path:
    """Fill a folder with a slipway.yaml and two versions of each model; returns it."""
    for case, tier in EVERY:
        model = case.model(tier)
        case.stable(folder / f"models/{model}/{STABLE}", model, STABLE, tier)
        case.candidate(folder / f"models/{model}/{CANDIDATE}", model, CANDIDATE, tier)
    write_config(folder)
    return folder


def write_config(folder: Path, *, max_tasks: int = 4) -> None:
    """Write slipway.yaml; another number of tasks makes other templates of it."""
    lines = [f"project: {PROJECT}", "batch: {enabled: false}", "monitoring: {reward_minutes: 1}", "models:"]
    versions = f"versions: [{STABLE}, {CANDIDATE}], stable: {STABLE}"
    for case, tier in EVERY:
        heavy = ", cache: {enabled: false}, " + _HEAVY % max_tasks if tier == "heavy" else ""
        capture = ", capture: {sample: 0.5}" if case.strategy == "shadow" else ""
        lines.append(f"  {case.model(tier)}: {{tier: {tier}, {versions}{capture}{heavy}}}")
    (folder / "slipway.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def question(chance: random.Random) -> Question:
    """A question to any of the models."""
    return chance.choice(CASES).question(chance)
