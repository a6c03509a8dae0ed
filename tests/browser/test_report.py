"""The page that `check --report` writes, on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.test_page import CHROMIUM
from tests.conftest import require
from vui_litellm.tools.measure import ModelResult
from vui_litellm.tools.report import page

PHONE = {"width": 360, "height": 740}
LLAMA = "openrouter/meta-llama/llama-3.3-70b-instruct"
GOOD = ("openai/gpt-4.1-mini", 412, 530, 88, True, True, False, 0.0014, "good for voice")
ROWS = [
    ModelResult("vui", *GOOD),
    ModelResult(LLAMA, "openrouter/x", 2100, 3000, verdict="slow"),
    ModelResult("<b>evil</b>", "groq/x", verdict="broken: please check that key (401)"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_tells_the_models_apart(tmp_path: Path, scheme: str) -> None:
    require(bool(CHROMIUM), "Chromium")
    file = tmp_path / "report.html"
    file.write_text(page([vars(row) for row in ROWS]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        shown = browser.new_page(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert shown.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        widths = [bar.bounding_box()["width"] for bar in shown.locator(".bar i").all()]  # type: ignore[index]
        assert shown.locator(".bar span").all_inner_texts() == [
            "vui", LLAMA, "<b>evil</b>"
        ]  # fmt: skip
        assert widths[0] < widths[1]
        assert "please check that key" in shown.inner_text("body")
        browser.close()
