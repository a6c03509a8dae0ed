"""The browser that tests of a page share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.test_page import CHROMIUM, OPTIONS
from tests.conftest import require

REBINDING = "--host-resolver-rules=MAP evil.test 127.0.0.1, MAP vui.test 127.0.0.1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, to which `evil.test` and `vui.test` are this machine."""
    require(bool(CHROMIUM), "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*OPTIONS, REBINDING], chromium_sandbox=False
        )
        yield browser
        browser.close()
