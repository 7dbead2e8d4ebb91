"""A bill: lines that can be checked by hand, and the difference between two."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

HOURS_A_MONTH = 730
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """A kind of resource: how many units are used, how many of them are free, and the price of one in USD."""

    item: str
    count: int
    how: str
    quantity: Decimal
    unit: str
    price: Decimal
    free: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal:
        """Dollars, not rounded."""
        return max(self.quantity - self.free, Decimal(0)) * self.price


@dataclass(frozen=True, slots=True)
class Bill:
    """What a deploy costs: each month when idle, once for each deploy, and for a million requests to each tier.

    ``training`` is an hour of training on each model's GPUs, of which none stands idle.
    ``by_use`` says what the other kinds of resources charge for; nothing is charged for them when idle but storage.
    ``unpriced`` counts the resources that may cost money and are in none of the lines, by type.
    """

    idle: tuple[Line, ...]
    deploy: tuple[Line, ...]
    requests: dict[str, tuple[Line, ...]]
    by_use: dict[str, str]
    unpriced: dict[str, int]
    training: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How the monthly cost of one item differs; ``before`` is what is deployed."""

    item: str
    before: Decimal
    after: Decimal


def total(lines: Iterable[Line]) -> Decimal:
    """The sum of the lines, each rounded to cents, so that it adds up by hand."""
    return sum((cents(line.amount) for line in lines), Decimal(0))


def cents(amount: Decimal) -> Decimal:
    """Rounded to cents, half up, as a bill is."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def difference(before: Bill, after: Bill) -> list[Change]:
    """The items whose monthly cost when idle differs, in the order of the bills."""
    old, new = (_by_item(bill.idle) for bill in (before, after))
    items = dict.fromkeys([*new, *old])
    changes = [Change(item, old.get(item, Decimal(0)), new.get(item, Decimal(0))) for item in items]
    return [change for change in changes if change.before != change.after]


def _by_item(lines: Iterable[Line]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.item] = found.get(line.item, Decimal(0)) + cents(line.amount)
    return found
