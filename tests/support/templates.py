"""What the tests of templates share: the linter, what is acknowledged, and snapshots."""

import json
import os
import re
from pathlib import Path
from typing import Any

import cfnlint.api

SNAPSHOTS = Path(__file__).parents[1] / "infra" / "snapshots"
UPDATE = "SLIPWAY_UPDATE_SNAPSHOTS"
# The CDK itself lets a function wait for its role twice.
ACCEPTED_BY_US = ["W3005"]


def lint(template: dict[str, Any]) -> list[str]:
    """What cfn-lint has to say of a template."""
    found = cfnlint.api.lint(json.dumps(template), config={"regions": ["eu-west-1"], "ignore_checks": ACCEPTED_BY_US})
    return [str(match) for match in found]


def acknowledged_in(templates: Any) -> dict[str, set[str]]:
    """The findings that each construct acknowledges."""
    found: dict[str, set[str]] = {}
    for file in templates.folder.glob("*.metadata.json"):
        for path, entries in json.loads(file.read_text(encoding="utf-8")).items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    names = {finding.removeprefix("Annotation::") for finding in entry["data"]}
                    found.setdefault(path.removeprefix("/"), set()).update(names)
    return found


def compare_with_snapshot(name: str, template: dict[str, Any]) -> None:
    """Say SLIPWAY_UPDATE_SNAPSHOTS=1 to take the present templates, and read the difference."""
    file = SNAPSHOTS / f"{name}.json"
    text = json.dumps(_without_hashes(template), indent=1, sort_keys=True) + "\n"
    if os.environ.get(UPDATE):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def _without_hashes(template: dict[str, Any]) -> Any:
    """What changes with the content of a bundle, replaced by a word."""
    text = json.dumps({part: template[part] for part in template if part in ("Resources", "Outputs")})
    text = re.sub(r"(asset\.)?[0-9a-f]{64}(\.zip)?", "ASSET", text)
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1HASH", text)
    return json.loads(text)
