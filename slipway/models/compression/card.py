"""The model card of a compressed package: what was done and what it cost, then the original's card."""

import re

from slipway.models.compression.bench import Bench, Verdict
from slipway.models.package import Package


def compressed_card(package: Package, bench: Bench, verdict: Verdict, summary: str) -> str:
    """The package's README.md, which ends with the original's card, its headings lowered."""
    original, manifest = bench.original, package.manifest
    before = original.manifest
    in_place = before.version == manifest.version
    name = "the original" if in_place else f"{before.name} {before.version}"
    title = f"Model card of {name}" if in_place else f"Model card of {name}, the original"
    rows = [f"| {metric} | {bench.quality[metric]:.4g} | {value:.4g} |" for metric, value in verdict.quality.items()]
    rows.append(f"| the same answer as {name} | | {verdict.agreement:.4g} |")
    rows.append(f"| bytes of the graph | {_graph_bytes(original):,} | {_graph_bytes(package):,} |")
    table = "\n".join(rows)
    text = (original.folder / "README.md").read_text(encoding="utf-8").strip()
    return (
        f"# {manifest.name}, version {manifest.version}\n\n{manifest.description}\n\n"
        f"## What was done\n{summary}\n\n"
        f"## Before and after\nMeasured on {bench.label}, each predicted alone.\n\n"
        f"| | {name} | this version |\n| --- | --- | --- |\n{table}\n\n"
        f"## Made by\n`{manifest.training.command}`\n\n"
        f"## {title}\n\n{_lowered(text)}\n"
    )


def _graph_bytes(package: Package) -> int:
    return package.path(package.manifest.graph.file).stat().st_size


def _lowered(text: str) -> str:
    """Markdown with its headings two levels lower, at most at level six."""
    return re.sub(r"^(#{1,6}) ", lambda found: "#" * min(len(found[1]) + 2, 6) + " ", text, flags=re.MULTILINE)
