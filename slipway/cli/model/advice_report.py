"""The advice as tables with figures that can be checked by hand, and as one JSON document."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.tables import plain_table
from slipway.models.advice.choice import Advice, Stretch
from slipway.models.advice.light import cold_rate
from slipway.models.advice.prices import PriceTable
from slipway.models.advice.terms import OPTION_NAMES, SECONDS_A_MONTH, Given, Offer, Profile
from slipway.models.advice.ways import WAY_NAMES, Way
from slipway.models.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Report:
    """The measurements, the assumptions, and the advice."""

    manifest: Manifest
    advice: Advice
    profile: Profile
    given: Given
    table: PriceTable
    region: str
    ways: Sequence[Way]

    def document(self) -> dict[str, Any]:
        """The report as plain JSON values; amounts are dollars per month."""
        taken = self.advice.taken
        return {
            "model": self.manifest.name,
            "version": self.manifest.version,
            "region": self.region,
            "prices_as_of": self.table.as_of.isoformat(),
            "measured": asdict(self.profile),
            "workload": asdict(self.advice.workload),
            "given": asdict(self.given),
            "offers": [_offer_document(offer) for offer in self.advice.offers],
            "take": taken.option if taken else None,
            "ways": [asdict(way) for way in self.ways],
            "over_traffic": [asdict(stretch) for stretch in self.advice.stretches],
        }

    def print(self, console: Console) -> None:
        """Print the measurements, the comparison, the bills line by line, and the conclusion."""
        console.print(self._measured())
        console.print(self._comparison())
        for offer in self.advice.offers:
            console.print(_bill(offer))
            for note in _notes(offer):
                console.print(f"  {escape(note)}", highlight=False)
            console.print()
        console.print(self._conclusion(), highlight=False)
        console.print(self._six_ways())
        console.print(self._provenance(), highlight=False)

    def _measured(self) -> Table:
        profile, work = self.profile, self.advice.workload
        table = Table(
            "measured here, one thread", "", title=f"{self.manifest.name} {self.manifest.version}", title_justify="left"
        )
        rows = {
            "latency, one record": f"median {profile.median_ms:.3f} ms, p99 {profile.p99_ms:.3f} ms, "
            f"mean {profile.mean_ms:.3f} ms, cv² {profile.cv2:.3f}",
            "of that outside the graph": f"{profile.edge_ms:.3f} ms (encoding, tokenization included)",
            f"in batches of {profile.batch}": f"{profile.batch_per_second:,.0f} records/s",
            "memory": f"{profile.memory_mb:,.0f} MB (a fresh process with Python and ONNX Runtime)",
            "package": f"{profile.size_bytes / 1e6:,.2f} MB",
            "graph": f"{profile.multiply_adds:,.0f} multiply-adds a record in such a batch",
            "request, answer, log": f"{work.request_bytes:,} B, {work.response_bytes:,} B, {work.log_bytes:,} B",
        }
        for name, value in rows.items():
            table.add_row(name, value)
        return table

    def _comparison(self) -> Table:
        work = self.advice.workload
        title = f"{work.rps:g} requests a second in {self.region}, p99 within {work.p99_ms:g} ms"
        table = Table("", "size", "p99", "meets it", title=title, title_justify="left")
        table.add_column("a month", justify="right")
        table.add_column("a million requests", justify="right")
        for offer in self.advice.offers:
            meets = "yes" if offer.meets else "no" if offer.possible else "not possible"
            taken = "[bold]" if offer is self.advice.taken else ""
            unit = offer.monthly / work.requests * 1e6
            row = (
                OPTION_NAMES[offer.option],
                offer.size,
                f"{offer.p99_ms:.1f} ms" if math.isfinite(offer.p99_ms) else "not known",
                meets,
                _dollars(offer.monthly),
                _dollars(unit),
            )
            table.add_row(*(taken + escape(cell) for cell in row))
        return table

    def _six_ways(self) -> Table:
        table = plain_table("way", "a month", "latency, memory, privacy, time to update")
        for way in self.ways:
            amount = "not known" if way.monthly is None else _dollars(way.monthly)
            texts = (way.cost_how, way.latency, way.memory, way.privacy, way.update)
            table.add_row(escape(WAY_NAMES[way.name]), amount, escape("\n".join(texts)))
        return table

    def _conclusion(self) -> str:
        taken, work = self.advice.taken, self.advice.workload
        if taken is None:
            answer = f"[bold red]No option meets {work.p99_ms:g} ms.[/]"
        else:
            answer = (
                f"[bold]Take {OPTION_NAMES[taken.option]}[/], {escape(taken.size)}: {_dollars(taken.monthly)} a month, "
                f"the cheapest that meets {work.p99_ms:g} ms."
            )
        rows = "\n".join(f"  {_stretch(stretch)}" for stretch in self.advice.stretches)
        cold = (
            f"Below {cold_rate(self.given):.4g} a second, more than 1 % of a function's requests are cold starts of "
            f"{self.given.cold_start_ms:g} ms.\n"
        )
        return f"{answer}\n\nOver the traffic, in requests a second:\n{rows}\n{cold}"

    def _provenance(self) -> str:
        return (
            f"Prices of {self.table.as_of.isoformat()}, on demand, without tax, discounts and free tiers; the price "
            "table names its sources.\n"
            f"A month is {SECONDS_A_MONTH:,} s (730 h), a GB 10⁹ bytes. AWS's processors are assumed to be "
            f"{self.given.slowdown:g} × as slow as this machine's.\n"
            "Left out, because every option has them: feature reads, custom metrics, alarms, the prediction cache.\n"
            "docs/advise.md explains each figure."
        )


def _bill(offer: Offer) -> Table:
    title = f"{OPTION_NAMES[offer.option]}, {offer.size}"
    table = Table("item", "quantity from", title=escape(title), title_justify="left", show_footer=True)
    table.add_column("quantity", justify="right")
    table.add_column("× price", justify="right")
    table.add_column("= a month", justify="right", footer=_dollars(offer.monthly))
    for line in offer.lines:
        price = f"${line.price:.10f}".rstrip("0")
        shown = price + "0" * max(0, 2 - len(price.partition(".")[2]))
        table.add_row(line.item, escape(line.how), f"{line.quantity:,.2f} {line.unit}", shown, _dollars(line.amount))
    return table


def _notes(offer: Offer) -> tuple[str, ...]:
    if offer.problems:
        return offer.problems
    return (f"p99 = {offer.p99_how} = {offer.p99_ms:.2f} ms", *offer.notes)


def _offer_document(offer: Offer) -> dict[str, Any]:
    document = asdict(offer)
    for entry, line in zip(document["lines"], offer.lines, strict=True):
        entry["amount"] = line.amount
    if not offer.possible and math.isinf(offer.p99_ms):
        document["p99_ms"] = None
    return {**document, "monthly": offer.monthly, "possible": offer.possible, "meets": offer.meets}


def _stretch(stretch: Stretch) -> str:
    name = OPTION_NAMES[stretch.option] if stretch.option else "none meets the target"
    return f"{_rate(stretch.low):>10} to {_rate(stretch.high):<10} {name}"


def _rate(rps: float) -> str:
    return f"{rps:,.0f}" if rps >= 1000 else f"{rps:.4g}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
