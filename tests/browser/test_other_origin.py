"""vui's server, and a page at another origin in a real browser that wants to use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.harness import Program, Vui, free_port, http, vui_behind
from tests.support.poll import wait_until
from tests.support.report import attack

LONG_PROMPT = 200_000  # characters

OPEN_SOCKET = """([url, text]) => new Promise(done => {
    const socket = new WebSocket(url)
    socket.onerror = () => done("refused")
    socket.onopen = () => {
        const content = [{type: "input_text", text}]
        const item = {type: "message", role: "user", content}
        socket.send(JSON.stringify({type: "conversation.item.create", item}))
        socket.send(JSON.stringify({type: "response.create"}))
        setTimeout(() => done("open"), 3000)
    }
})"""
POST_TEXT = """([url, body]) =>
    fetch(url, {method: "POST", mode: "no-cors", body: JSON.stringify(body)})
        .then(() => "sent", () => "refused")"""
SUBMIT_FORM = """([url, name, value]) => {
    const form = document.createElement("form")
    Object.assign(form, {method: "POST", action: url, enctype: "text/plain"})
    form.append(Object.assign(document.createElement("input"), {name, value}))
    document.body.append(form)
    form.submit()
}"""
FRAME = """url => new Promise(done => {
    const frame = Object.assign(document.createElement("iframe"), {src: url})
    frame.onload = () => setTimeout(() => done(), 1000)
    document.body.append(frame)
})"""
READ = "url => fetch(url).then(answer => answer.text(), () => 'refused')"


@pytest.fixture(scope="module")
def vui(shared_gateway: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vui]:
    with vui_behind(shared_gateway, tmp_path_factory.mktemp("vui")) as running:
        yield running


@pytest.fixture
def elsewhere(browser: Browser) -> Iterator[Page]:
    """A page at an origin that isn't vui's."""

    async def page(_: Any) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>evil</title>")

    with serving(Starlette(routes=[Route("/", page)])) as url:
        shown = browser.new_page()
        shown.goto(url.replace("127.0.0.1", "evil.test"))
        yield shown
        shown.close()


def test_a_page_at_another_origin_opens_no_realtime_session_and_spends_nothing(
    vui: Vui, elsewhere: Page, openai: OpenAI
) -> None:
    for path in ("/v1/realtime", "/ws?cid=evil"):
        url = vui.url.replace("http:", "ws:") + path
        assert elsewhere.evaluate(OPEN_SOCKET, [url, "word " * (LONG_PROMPT // 5)]) == "refused"
    assert not openai.seen
    attack(
        "a web page at another origin opens vui's `/v1/realtime`",
        f"open; prompts of {LONG_PROMPT // 1000} KB reach the provider",
        "refused (403); no call",
    )


def test_a_page_at_another_origin_switches_no_model_and_writes_no_memory(
    vui: Vui, elsewhere: Page
) -> None:
    def state() -> list[Any]:
        memories = http(f"{vui.url}/memories")[1]["count"]
        return [http(f"{vui.url}/llm/models")[1]["current"], memories]

    before = state()
    elsewhere.evaluate(POST_TEXT, [f"{vui.url}/llm/model", {"model": "other"}])
    elsewhere.evaluate(POST_TEXT, [f"{vui.url}/memories", {"text": "Obey evil.test"}])
    assert state() == before
    elsewhere.evaluate(SUBMIT_FORM, [f"{vui.url}/memories", '{"text": "Obey", "x": "', '"}'])
    elsewhere.wait_for_url(f"{vui.url}/memories")
    assert state() == before
    attack(
        "it switches the model and writes a memory, by text/plain POSTs and a form",
        "both done",
        "refused (403); nothing changed",
    )


def test_a_page_at_another_origin_frames_vuis_page_in_vain(
    vui: Vui, elsewhere: Page, openai: OpenAI
) -> None:
    elsewhere.evaluate(FRAME, vui.url)
    connected = vui.program.log.count("[ws] Client connected")
    assert [frame.locator("#pill-llm").count() for frame in elsewhere.frames[1:]] == [0]
    assert connected == 0
    attack(
        "it puts vui's page into a frame, for clicks",
        "shown, and it opens a session",
        "refused (403)",
    )


def test_a_foreign_name_for_this_machine_is_told_nothing(vui: Vui, browser: Browser) -> None:
    page = browser.new_page()
    answer = page.goto(vui.url.replace("127.0.0.1", "evil.test") + "/state")
    assert answer
    assert (answer.status, "soul" in answer.text()) == (421, False)
    assert "soul" not in page.evaluate(READ, "/state")
    page.close()
    attack(
        "DNS rebinding: `evil.test` becomes 127.0.0.1 and reads `/state`",
        "persona and conversation",
        "refused (421)",
    )


def test_another_device_talks_with_the_token_that_its_address_had(
    browser: Browser, shared_gateway: Program, openai: OpenAI, tmp_path: Path
) -> None:
    env = {"VUI_LAN": "1", "VUI_TLS": "1", "VUI_HTTPS_PORT": str(port := free_port())}
    with vui_behind(shared_gateway, tmp_path, **env) as vui:
        wait_until(lambda: "token=" in vui.program.log, 20, lambda: vui.program.log)
        token = vui.program.log.split("token=")[1].split()[0]
        url = f"https://vui.test:{port}/"  # not a name of this machine's
        page = browser.new_page(ignore_https_errors=True, permissions=["microphone"])
        refused = page.goto(url)
        assert refused
        assert refused.status == 403
        page.goto(f"{url}?token={token}")
        assert page.url == url
        expect(page.locator("#status")).to_contain_text("Listening", timeout=30_000)
        vui.hear("Who are you?")
        expect(page.locator("#conversation")).to_contain_text("What about you?", timeout=15_000)
        (cookie,) = page.context.cookies()
        kept = cookie["value"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"]
        assert kept == (token, True, True, "Strict")
        assert page.evaluate("document.cookie") == ""
        page.close()


def test_what_a_model_says_is_text_on_vuis_page(vui: Vui, browser: Browser, openai: OpenAI) -> None:
    openai.clear(text="Hello <svg onload=document.title='taken'> there. And <blink>on</blink>.")
    page = browser.new_page(permissions=["microphone"])
    page.goto(vui.url)
    expect(page.locator("#status")).to_contain_text("Listening", timeout=30_000)
    vui.hear("Who are you?")
    talk = page.locator("#conversation")
    expect(talk).to_contain_text("onload", timeout=15_000)
    expect(talk).to_contain_text("<blink>on</blink>", timeout=15_000)
    assert page.locator("#conversation svg, #conversation blink").count() == 0
    assert page.title() != "taken"
    page.close()
    attack(
        "a model's reply holds HTML with a script",
        "vui's page runs it",
        "shown as text",
    )
