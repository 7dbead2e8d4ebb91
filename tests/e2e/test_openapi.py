"""Schemathesis, as it comes from PyPI, over the description that the API serves."""

import re
import subprocess
import sys
from pathlib import Path

import httpx

from local.environment.state import State

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
LIMIT_SECONDS = 600  # it takes a sixth of this where nothing else runs


def test_no_5xx_and_no_answer_outside_the_description(running: State, tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{running.api}/openapi.json"]
    # The coverage phase alone is three thousand calls, chosen from the description; the rest is random on top of it.
    command += ["--checks", CHECKS, "--max-examples", "5", "--seed", "1"]
    # By one thread: Python 3.11 may raise SystemError where two parse source at once, as Hypothesis does.
    command += ["--workers", "1", "--generation-database", "none", "--no-color"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)

    assert done.returncode == 0, done.stdout[-6000:]


def test_the_page_of_the_api_is_served_with_all_that_it_needs(running: State) -> None:
    """As a browser fetches it: the page, its two files, and the document that it shows."""
    page = httpx.get(f"{running.api}/docs", timeout=60)
    assert (page.status_code, "https://" in page.text) == (200, False)
    paths = re.findall(r"(?:src|href)=\"(/[^\"]+)\"", page.text) + re.findall(r"url: '(/[^']+)'", page.text)
    assert len(paths) == 3
    for path in paths:
        assert httpx.get(f"{running.api}{path}", timeout=60).status_code == 200, path
