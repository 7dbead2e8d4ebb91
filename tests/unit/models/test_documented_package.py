import json
import re
from pathlib import Path

import pytest

from slipway.models.manifest import FileEntry, InputField, Manifest
from slipway.models.measurements.baseline import Baseline
from slipway.models.package import parse_manifest

PAGE = (Path(__file__).parents[3] / "docs" / "packages.md").read_text(encoding="utf-8")


def _example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_manifest_of_the_page_is_one() -> None:
    assert parse_manifest(_example("yaml").encode(), "docs/packages.md").name == "tumour"


def test_the_baseline_of_the_page_is_one() -> None:
    assert Baseline.model_validate(json.loads(_example("json"))).records == 1138


@pytest.mark.parametrize("part", [Manifest, InputField, FileEntry])
def test_every_key_is_on_the_page(part: type[Manifest | InputField | FileEntry]) -> None:
    assert [name for name in part.model_fields if not re.search(rf"`{name}[`.]|\b{name}:", PAGE)] == []
