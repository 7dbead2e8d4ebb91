"""Interleaving: two rankers answer one request together, and clicks show whose items users prefer."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from slipway.releases.routing.assignment import position

Item = TypeVar("Item", bound=Hashable)


class Team(StrEnum):
    """The version that picked an item."""

    STABLE = "stable"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Pick(Generic[Item]):
    """An item of the answer, and the team that picked it."""

    item: Item
    team: Team


def team_draft(
    stable: Sequence[Item], candidate: Sequence[Item], *, salt: str, key: str, length: int | None = None
) -> list[Pick[Item]]:
    """Merge two rankings: in each round both teams pick their best remaining item, in an order set by a coin flip.

    This is the team draft of F. Radlinski, M. Kurup and T. Joachims (2008). The coin flips are derived from salt and
    key, so the same request gets the same answer in every process.

    Args:
        stable: the items as the stable version ranks them, best first.
        candidate: the items as the candidate ranks them.
        salt: the salt of the release.
        key: the id of the request.
        length: the number of items to return; by default all.
    """
    queues = {Team.STABLE: iter(stable), Team.CANDIDATE: iter(candidate)}
    picked: list[Pick[Item]] = []
    taken: set[Item] = set()
    most = len({*stable, *candidate}) if length is None else length
    for team in _turns(salt, key):
        if len(picked) >= most or not queues:
            break
        item = next((each for each in queues.get(team, iter(())) if each not in taken), None)
        if item is None:
            queues.pop(team, None)
            continue
        taken.add(item)
        picked.append(Pick(item, team))
    return picked


def _turns(salt: str, key: str) -> Iterator[Team]:
    round_number = 0
    while True:
        heads = position(salt, f"{key}#{round_number}") < 0.5
        yield from (Team.STABLE, Team.CANDIDATE) if heads else (Team.CANDIDATE, Team.STABLE)
        round_number += 1


def preferred(picks: Sequence[Pick[Item]], clicked: Collection[Item]) -> Team | None:
    """The team with more clicks; None for a tie, including when there are no clicks."""
    credit = {team: sum(pick.item in clicked for pick in picks if pick.team is team) for team in Team}
    if credit[Team.STABLE] == credit[Team.CANDIDATE]:
        return None
    return max(credit, key=lambda team: credit[team])
