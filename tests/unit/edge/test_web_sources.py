"""The sources of the page: no inline script, no other host, and types for all that the module exports."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import slipway.edge

WEB = Path(slipway.edge.__file__).parent / "web"
CODE = sorted(path for path in WEB.iterdir() if path.suffix in (".js", ".mjs"))
_EXPORTED = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
_PASSED_ON = re.compile(r"^export \{([^}]+)\}", re.MULTILINE)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside = ""
        self.texts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self.inside] = self.texts.get(self.inside, "") + data


@pytest.fixture
def page() -> _Page:
    made = _Page()
    made.feed((WEB / "index.html").read_text(encoding="utf-8"))
    return made


def test_the_page_has_no_inline_script_or_style(page: _Page) -> None:
    assert page.texts.get("script", "").strip() == ""
    assert "style" not in page.texts
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_the_policy_allows_nothing_but_the_page_s_own_files(page: _Page) -> None:
    (policy,) = [each["content"] for tag, each in page.tags if tag == "meta" and "http-equiv" in each]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert set(" ".join(rules.values()).split()) == {"'none'", "'self'", "'wasm-unsafe-eval'"}


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_the_code_names_no_other_host_and_writes_no_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def _names(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    passed = {name.strip() for found in _PASSED_ON.findall(text) for name in found.split(",")}
    return set(_EXPORTED.findall(text)) | passed


def test_the_types_declare_what_the_module_exports() -> None:
    assert _names(WEB / "slipway.d.ts") == _names(WEB / "slipway.js")


def test_the_functions_are_short() -> None:
    for path in CODE:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 300
        assert all(len(line) <= 120 for line in path.read_text(encoding="utf-8").splitlines()), path
