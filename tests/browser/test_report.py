"""The page that `check --report` writes, on a phone and on a larger screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.test_page import CHROMIUM
from tests.conftest import require
from vui_litellm.tools.measure import ModelResult
from vui_litellm.tools.report import page

LLAMA = "openrouter/meta-llama/llama-3.3-70b-instruct"
GOOD = ("openai/gpt-4.1-mini", 412, 530, 88, True, True, False, 0.0014, "good for voice")
ROWS = [
    ModelResult("<b>evil</b>", "groq/x", verdict="broken: please check that key (401)"),
    ModelResult(LLAMA, "openrouter/x", 2100, 3000, verdict="slow: it thinks before it answers"),
    ModelResult("haiku", "anthropic/haiku", 810, 900, verdict="usable"),
    ModelResult("vui", *GOOD, note="vui is <i>openai/gpt-4.1-mini</i>: it has its key."),
]
# https://www.w3.org/TR/WCAG21/#contrast-minimum
CONTRAST = """element => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true})
    const painted = colours => {
        for (const colour of colours) {
            canvas.fillStyle = colour
            canvas.fillRect(0, 0, 1, 1)
        }
        const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(
            n => (n /= 255) <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4)
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
    const behind = []
    for (let at = element; at; at = at.parentElement)
        behind.unshift(getComputedStyle(at).backgroundColor)
    const back = painted(behind), text = painted([getComputedStyle(element).color])
    return (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05)
}"""
Open = Callable[..., Page]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    require(bool(CHROMIUM), "Chromium")
    file = tmp_path / "report.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)

        def show(rows: list[ModelResult], width: int = 360, scheme: str = "light") -> Page:
            file.write_text(page([vars(row) for row in rows]))
            shown = browser.new_page(
                viewport={"width": width, "height": 740},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            asked: list[str] = []
            shown.on("request", lambda request: asked.append(request.url))
            shown.goto(file.as_uri())
            assert asked == [file.as_uri()]
            return shown

        yield show
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_it_fits_and_tells_the_models_apart_by_verdict(
    opened: Open, width: int, scheme: str
) -> None:
    shown = opened(ROWS, width, scheme)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.locator("h2").all_inner_texts() == ["vui", "haiku", LLAMA, "<b>evil</b>"]
    for card in shown.locator("li").all():
        verdict, name = (card.locator(part).bounding_box() for part in (".verdict", "h2"))
        assert verdict
        assert name
        assert verdict["y"] + verdict["height"] <= name["y"] + 1
        assert verdict["height"] < 32  # in one line
    widths = [bar.bounding_box()["width"] for bar in shown.locator(".bar i").all()]  # type: ignore[index]
    assert widths == sorted(widths)
    assert widths[0] < widths[2] / 4
    assert "Please check that key" in shown.locator("li.broken").inner_text()
    for part in shown.locator(".verdict, .best, .note, .provider, dt, dd, .why, footer p").all():
        assert part.evaluate(CONTRAST) >= 4.5, part.inner_text()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROWS, "Talk to vui: the first token comes after 412 ms."),
        (ROWS[:3], "haiku is usable, but none is quick"),
        (ROWS[:2], f"None is quick enough for a conversation. {LLAMA} is the quickest"),
        (ROWS[:1], "No model could answer."),
        ([ModelResult("demo", "x", 9, 9, verdict="demo: put a key"), ROWS[0]], "Only the demo"),
    ],
)
def test_it_begins_with_the_one_to_talk_to(
    opened: Open, rows: list[ModelResult], said: str
) -> None:
    shown = opened(rows)
    best = shown.locator(".best")
    assert best.inner_text().startswith(said)
    box = best.bounding_box()
    assert box
    assert box["y"] + box["height"] < 250


def test_what_the_gateway_says_is_above_the_models_as_text(opened: Open) -> None:
    note = opened(ROWS).locator("ol").locator("xpath=preceding-sibling::*[1]")
    assert note.inner_text() == ROWS[3].note
