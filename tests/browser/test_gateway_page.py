"""The gateway's page in a real browser, before a real gateway."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect

from tests.support.conversation import GPT, HAIKU, Conversation, conversation
from tests.support.harness import ROOT, openai_model
from tests.support.report import WRITING

PHONE = {"width": 360, "height": 740}
PICTURE = ROOT / "docs" / "page.png"
MAX_PICTURE = 150_000  # bytes
COLOURS = 128
SOON = 8_000  # milliseconds: an edit takes effect, and is shown at the next look
EVIL = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
# What WCAG 2.2 AA asks of text: https://www.w3.org/TR/WCAG22/#contrast-minimum
CONTRAST = """() => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number)
    const luminance = colour => channels(colour).slice(0, 3)
        .map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0)
    const behind = element => {
        const [, , , alpha = 1] = channels(getComputedStyle(element).backgroundColor)
        return alpha || !element.parentElement ? getComputedStyle(element).backgroundColor
            : behind(element.parentElement)
    }
    const found = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement
        if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue
        if (element.closest("script, style")) continue
        const style = getComputedStyle(element), svg = element.closest("svg")
        const ink = luminance(svg ? style.fill : style.color), paper = luminance(behind(element))
        const ratio = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05)
        found.push([ratio, texts.currentNode.data])
    }
    return found
}"""
NAMELESS = """() => [...document.querySelectorAll("a, button, input, summary, select, [tabindex]")]
    .filter(control => control.checkVisibility())
    .filter(control => !(control.labels?.length || control.innerText.trim()
        || control.getAttribute("aria-label")))
    .map(control => control.outerHTML)"""


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conversation]:
    with conversation(tmp_path_factory.mktemp("gateway-page")) as talk:
        yield talk


@pytest.fixture(autouse=True)
def well(talk: Conversation) -> None:
    """All providers answer."""
    for stand_in in (talk.gpt, talk.haiku, talk.lite):
        stand_in.clear()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of a person that was never here; a script's error or a broken policy fails."""
    context = browser.new_context(viewport={"width": 1120, "height": 800}, color_scheme="light")
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda said: wrong.append(said.text) if "Policy" in said.text else None)
    yield context
    context.close()
    assert not wrong


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def printed(talk: Conversation) -> str:
    """What `vui-gateway page` prints."""
    return talk.program.cli("page").stdout.strip()


def opened(page: Page, talk: Conversation) -> Page:
    page.goto(printed(talk))
    expect(page.locator("#link")).to_have_text("Live")
    return page


def stored(page: Page) -> str:
    """All that the browser keeps of the page."""
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, location.href])")
    return kept + json.dumps(page.context.cookies())


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def changed(page: Page, change: Callable[[dict], Any]) -> None:
    """From now on the page is told something else by its gateway."""

    def tell(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        change(told)
        route.fulfill(response=answer, json=told)

    page.route("**/status", tell)


def test_the_printed_address_opens_it_and_leaves_nothing_behind(
    page: Page, talk: Conversation, context: BrowserContext
) -> None:
    address = printed(talk)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    token = address.split("#")[1]
    assert page.url == f"{talk.program.url}/"
    for secret in (token, talk.program.key):
        assert secret not in stored(page)
    assert {url.removeprefix(talk.program.url) for url in asked} == {
        "/", "/page/session", "/status"
    }  # fmt: skip
    other = context.new_page()
    other.goto(f"{address}0")
    expect(other.get_by_role("alert")).to_contain_text("too old")
    expect(other.get_by_label("The gateway's key")).to_be_focused()
    assert token not in other.url


def test_without_it_the_key_is_asked_for_once_and_not_kept(page: Page, talk: Conversation) -> None:
    page.goto(talk.program.url)
    assert page.locator("#shown").is_hidden()
    page.keyboard.type("sk-wrong-0123456789")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That isn't the gateway's key.")
    page.get_by_label("The gateway's key").fill(talk.program.key)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#vui")).to_have_text(GPT)
    assert talk.program.key not in stored(page) + page.content()
    assert page.get_by_label("The gateway's key").input_value() == ""
    page.reload()
    expect(page.locator("#vui")).to_have_text(GPT)
    page.evaluate("sessionStorage.setItem('vui-gateway-session', 'gone')")
    page.reload()
    expect(page.get_by_role("alert")).to_have_text("The session is over.")


def test_a_page_by_another_name_is_shown_no_data(page: Page, talk: Conversation) -> None:
    page.goto(talk.program.url.replace("127.0.0.1", "evil.test"))
    expect(page.get_by_label("The gateway's key")).to_be_visible()
    status = page.evaluate("fetch('/status').then(answer => answer.status)")
    assert status == 401


def test_it_shows_calls_failures_and_cooldowns_as_they_happen(
    page: Page, talk: Conversation
) -> None:
    opened(page, talk)
    page.evaluate("window.mark = 'the same page'")
    rows = page.locator("#rows tr")
    before = rows.count()
    talk.say()
    talk.say(stream=False)
    expect(rows).to_have_count(before + 2)
    expect(rows.nth(1).locator(".n").first).to_have_text(re.compile("^[0-9]+ ms$"))
    expect(rows.nth(0)).to_contain_text("vui: thoughts, answered")
    assert page.locator("#lanes svg .bar").count() == 1

    talk.gpt.clear(fault=503)
    talk.say()
    expect(page.locator("#lanes svg .took")).to_have_count(1)
    expect(page.locator("#lanes svg .fail")).to_have_count(1)
    cooling = page.locator(".model", has_text=GPT).first
    expect(cooling).to_contain_text("cooling down for")
    expect(page.locator("#vui")).to_have_text(HAIKU)
    expect(page.locator("#announce")).to_contain_text(f"vui is now {HAIKU}.")
    expect(page.locator("#vui")).to_have_text(GPT)  # two seconds later
    expect(cooling).to_contain_text("serving")

    talk.gpt.clear(fault=429)
    talk.haiku.clear(fault=529)
    talk.lite.clear(fault=401)
    assert talk.say() >= 400
    failed = page.locator("#failed li").first
    expect(failed).to_contain_text(f"The provider of {GPT} wants fewer requests.")
    expect(failed).to_contain_text("gemini/gemini-2.5-flash-lite refused its key.")
    expect(page.locator(".model.bad")).to_contain_text("key refused: GEMINI_API_KEY")
    expect(page.locator("#announce")).to_contain_text("A call failed.")
    assert page.evaluate("window.mark") == "the same page"


def test_it_shows_an_edit_and_a_refused_one(page: Page, talk: Conversation) -> None:
    opened(page, talk)
    page.evaluate("window.mark = 'the same page'")
    config = copy.deepcopy(talk.config)
    expect(page.locator(".model", has_text="GROQ_API_KEY")).to_contain_text("groq/openai/gpt-oss")
    base = config["model_list"][0]["litellm_params"]["api_base"]
    talk.config["model_list"].append(openai_model("new", base))
    talk.save()
    new = page.locator("#models").get_by_text("openai/new")
    expect(new).to_be_visible(timeout=SOON)
    talk.config["<b>model</b>"] = talk.config.pop("model_list")
    talk.save()
    expect(page.locator(".notice")).to_contain_text("unknown key '<b>model</b>'", timeout=SOON)
    assert page.locator(".notice b").count() == 0
    talk.config.clear()
    talk.config.update(config)
    talk.save()
    expect(page.locator(".notice")).to_have_count(0, timeout=SOON)
    expect(new).to_have_count(0)
    assert page.evaluate("window.mark") == "the same page"


def test_what_comes_from_outside_is_text(page: Page, talk: Conversation) -> None:
    talk.say()

    def poison(told: dict) -> None:
        told["asked"] = {"model": EVIL, "why": EVIL}
        told["models"] += [
            {"group": EVIL, "model": EVIL, "state": state, "variable": EVIL, "seconds": EVIL}
            for state in ("serving", "cooling", "key refused", "left out", EVIL)
        ]
        call = {**told["recent"][-1], "answered_by": EVIL, "model_group": EVIL, "error": EVIL}
        told["recent"] += [{**call, "attempts": [[EVIL, EVIL]], "outcome": EVIL, "kind": EVIL}]
        told["error"], told["needs_restart"] = EVIL, [EVIL]

    changed(page, poison)
    opened(page, talk)
    for place in ("#vui", "#why", "#models", "#failed", "#rows", "#lanes", "#notices"):
        expect(page.locator(place)).to_contain_text("onerror")
    assert page.locator("main img, main script").count() == 0
    assert page.title().startswith("<img")
    # And what a mistake of ours would do.
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("document.body.innerHTML = '<b>x</b>'")


def test_it_says_when_the_gateway_is_away_and_goes_on_when_it_is_back(
    page: Page, talk: Conversation, context: BrowserContext
) -> None:
    opened(page, talk)
    context.set_offline(True)
    expect(page.locator("#link")).to_contain_text("The gateway has been away since")
    expect(page.locator("#announce")).to_have_text("The gateway is away.")
    expect(page.locator("#vui")).to_have_text(GPT)
    context.set_offline(False)
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#announce")).to_have_text("The gateway is back.")


def test_a_tab_that_nobody_sees_asks_for_nothing(page: Page, talk: Conversation) -> None:
    opened(page, talk)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = """hidden => {
        Object.defineProperty(document, "hidden", {configurable: true, value: hidden})
        document.dispatchEvent(new Event("visibilitychange"))
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(300)
    asked.clear()
    page.wait_for_timeout(2500)
    assert asked == []
    with page.expect_request("**/status", timeout=1000):
        page.evaluate(hide, False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read(page: Page, talk: Conversation, scheme: Any) -> None:
    talk.say()
    long = "openrouter/meta-llama/llama-3.3-70b-instruct-with-a-name-that-never-ends"

    def lengthen(told: dict) -> None:
        told["asked"]["model"] = long
        told["models"].append({"group": "vui", "model": long, "state": "cooling", "seconds": 29})
        told["recent"].append(
            {**told["recent"][-1], "attempts": [[long, "ok"]], "answered_by": long}
        )
        told["error"] = "/project/litellm_config.yaml:12: unknown key"

    changed(page, lengthen)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(talk.program.url)
    expect(page.get_by_label("The gateway's key")).to_be_visible()
    assert fits(page)
    ask = page.evaluate(CONTRAST)
    opened(page, talk)
    page.get_by_text("The same as a table").click()
    assert fits(page)
    texts = [*ask, *page.evaluate(CONTRAST)]
    assert len(texts) > 40
    assert [text for ratio, text in texts if ratio < 4.5] == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(250, 249, 246)", "dark": "rgb(21, 20, 18)"}[scheme]
    page.set_viewport_size({"width": 1120, "height": 800})
    assert fits(page)


def test_it_is_used_by_keyboard_alone(page: Page, talk: Conversation) -> None:
    page.goto(talk.program.url)
    focused = "getComputedStyle(document.activeElement).outlineStyle"
    expect(page.get_by_label("The gateway's key")).to_be_focused()
    assert page.evaluate(focused) == "solid"
    page.keyboard.type(talk.program.key)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open")).to_be_focused()
    assert page.evaluate(focused) == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="vui is now")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "The same as a table"
    assert page.evaluate(focused) == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("table")).to_be_visible()
    talk.say()  # what is open and focused stays so
    expect(page.locator("#rows tr")).not_to_have_count(0)
    page.wait_for_timeout(2500)
    assert page.get_by_role("table").is_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_screen_reader_finds_its_way(page: Page, talk: Conversation) -> None:
    talk.say()
    page.goto(talk.program.url)
    assert page.evaluate(NAMELESS) == []
    opened(page, talk)
    page.get_by_text("The same as a table").click()
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    for landmark in ("banner", "main", "status"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    for name in ("vui is now", "Today (UTC)", "Until the first sentence", "Models", "What failed"):
        expect(page.get_by_role("region", name=name)).to_be_visible()
    # The columns are for the eye: the lanes say their sums in words, the table each call.
    assert page.locator("svg:not([aria-hidden=true])").count() == 0
    expect(page.locator("#lanes li").first).to_contain_text("median")
    expect(page.get_by_role("table", name="The last calls, the newest first")).to_be_visible()
    expect(page.get_by_role("columnheader")).to_have_count(4)
    meter = page.get_by_role("meter", name="Today's budget spent")
    assert 0 <= float(meter.get_attribute("aria-valuenow") or -1) <= 0.5
    assert page.locator("#announce").get_attribute("aria-live") == "polite"


def test_the_picture_in_the_readme(browser: Browser, tmp_path_factory: Any) -> None:
    """Drawn anew by `make docs`, from a conversation with stand-ins."""
    if WRITING:
        with conversation(tmp_path_factory.mktemp("picture")) as talk:
            talk.go_on()
            page = browser.new_page(viewport={"width": 1120, "height": 900}, color_scheme="light")
            opened(page, talk)
            shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))
            shot.quantize(COLOURS).save(PICTURE, optimize=True)
            page.close()
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
    assert PICTURE.stat().st_size < MAX_PICTURE
    assert "](docs/page.png)" in (ROOT / "README.md").read_text()
