"""The project of the shadows' tests: a model of each tier with candidates that are worse, and one that ranks."""

from pathlib import Path

from support.candidates import failing_graph, positive_graph
from support.packages import make_text_package

LIGHT, HEAVY, RANKED = "light-sentiment", "heavy-sentiment", "light-ranked"
STABLE, POSITIVE, FAILING = 1, 2, 3
CONFIG = f"""
project: shadowed
monitoring: {{reward_minutes: 1}}
models:
  {LIGHT}: {{versions: [1, 2, 3], stable: 1}}
  {RANKED}: {{versions: [1, 2], stable: 1}}
  {HEAVY}:
    tier: heavy
    versions: [1, 2, 3]
    stable: 1
    cache: {{enabled: false}}
    heavy: {{max_tasks: 2, sessions: 1, threads: 1, max_batch: 1, max_wait_ms: 0}}
"""


def write_project(folder: Path) -> Path:
    """Fill a folder with a slipway.yaml and the packages; returns it."""
    for model in (LIGHT, HEAVY):
        make_text_package(folder / f"models/{model}/{STABLE}", name=model, version=STABLE)
        for version, graph in ((POSITIVE, positive_graph()), (FAILING, failing_graph())):
            make_text_package(folder / f"models/{model}/{version}", name=model, version=version, graph_proto=graph)
    for version in (1, 2):
        make_text_package(folder / f"models/{RANKED}/{version}", name=RANKED, version=version)
    (folder / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    return folder
