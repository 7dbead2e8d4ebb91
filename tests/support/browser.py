"""A browser that a test looks at the console with, and what must never happen in it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
_AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_WIDE, _PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
WAIT_MS = 60_000
"""How long a test waits for what comes soon, on a machine with other things to do."""


def find_chromium() -> str | None:
    """The browser of the system, by the names that distributions give it."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Visit:
    """A page of the console in one browser window. ``faults`` has what must not happen: errors and foreign requests."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.address = address
        self._host = urlsplit(address).netloc
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._asked)

    def open(self, path: str) -> Page:
        """Go to a page, and wait until its pictures are drawn."""
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status} {answer.text()[:2000]}"
        self.drawn()
        return self.page

    def drawn(self) -> None:
        """Wait until AWS has answered for every part, and every picture is drawn."""
        expect(self.page.locator("[data-waiting]")).to_have_count(0, timeout=WAIT_MS)
        expect(self.page.locator("[data-spec]:not([data-ready])")).to_have_count(0, timeout=WAIT_MS)

    def accessible(self) -> None:
        """Fail with what axe finds wrong, by WCAG 2.2 AA."""
        self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        options = json.dumps({"runOnly": {"type": "tag", "values": _RULES}})
        found: dict[str, Any] = self.page.evaluate(f"axe.run(document, {options})")
        problems = [
            f"{each['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
        assert not problems, "\n".join(problems)

    def shoot(self, name: str) -> None:
        """Keep a picture of the page in build/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != self._host:
            self.faults.append(f"a request to {request.url}")


@contextmanager
def visiting(
    browser: Browser, address: str, *, scheme: Scheme = "light", phone: bool = False, scripts: bool = True
) -> Iterator[Visit]:
    """A window of the browser, which must have no fault by its end."""
    context = browser.new_context(
        color_scheme=scheme, viewport=_PHONE if phone else _WIDE, java_script_enabled=scripts, timezone_id="UTC"
    )
    try:
        visit = Visit(context.new_page(), address)
        yield visit
        assert visit.faults == []
    finally:
        context.close()
