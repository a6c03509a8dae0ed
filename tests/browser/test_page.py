"""vui's real page, in a real browser, on the speechless stack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import require
from tests.support.stack import Stack

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
OPTIONS = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]


@pytest.fixture
def page(full_stack: Stack) -> Iterator[Page]:
    require(bool(CHROMIUM), "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=OPTIONS, chromium_sandbox=False
        )
        page = browser.new_page(permissions=["microphone"])
        page.goto(full_stack.page)
        yield page
        browser.close()


def test_the_page_shows_the_gateway_and_switches_its_model(page: Page, full_stack: Stack) -> None:
    full_stack.script(text="Hello from the page.")
    expect(page.locator("#pill-llm")).to_have_class("pill up", timeout=30_000)
    expect(page.locator("#llm-backend-label")).to_have_text("litellm")
    models = page.locator("#ollama-model option")
    expect(models).to_have_text(["vui", "gpt-4.1-mini", "other", "demo"])
    expect(page.locator("#pill-mic")).to_have_class("pill up", timeout=30_000)

    expect(page.locator("#status")).to_contain_text("Listening", timeout=30_000)  # and stays so
    page.select_option("#ollama-model", "other")
    expect(page.locator("#status")).to_contain_text("Model: other")
    full_stack.vui().hear("Who are you now?")
    expect(page.locator("#conversation")).to_contain_text("Hello from the page.", timeout=15_000)
    assert full_stack.seen()[0]["body"]["model"] == "other"
