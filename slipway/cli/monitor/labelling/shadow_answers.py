"""Answers of a person who has not seen the model's: a file beside slipway.yaml, which nothing else reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.cli.monitor.labelling.drawn_labels import known_labels
from slipway.cli.monitor.watched import Watched
from slipway.monitoring.accuracy.human import Comparison, HumanAnswer, compare
from slipway.monitoring.accuracy.labels import answer_of
from slipway.monitoring.captures.parsing import Capture


def shadow_file(model: str, version: int) -> Path:
    """The default file of a version's answers."""
    return Path(f"human-{model}-{version}.jsonl")


def read_shadow(path: Path) -> list[HumanAnswer]:
    """The answers of a file; none if it is not there."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [HumanAnswer(each["id"], each["human"], each["model"]) for each in map(json.loads, lines)]


def add_shadow(path: Path, captures: Sequence[Capture], answers: Mapping[str, Mapping[str, Any]]) -> list[HumanAnswer]:
    """Append what was said of captures to a file, beside the model's answers, and return it."""
    by_id = {capture.id: capture for capture in captures}
    new = [HumanAnswer(each, said, dict(answer_of(by_id[each].outputs))) for each, said in answers.items()]
    with path.open("a", encoding="utf-8") as file:
        for each in new:
            document = {"id": each.id, "human": each.human, "model": each.model}
            file.write(f"{json.dumps(document, ensure_ascii=False)}\n")
    return new


def compare_shadow(watched: Watched, answers: Sequence[HumanAnswer]) -> Comparison:
    """How the person compares with the model, and both with the true answers that are known by now."""
    return compare(answers, {identifier: each.true for identifier, each in known_labels(watched).items()})
