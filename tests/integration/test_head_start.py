"""A reply that is there when vui asks for it: vui's real server, a real gateway."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.providers.base import Seen
from tests.providers.openai import OpenAI
from tests.support.harness import Program, Vui, http, vui_behind
from tests.support.page import Page, open_page
from tests.support.poll import until

WAIT = 1.0  # seconds for which vui waits where the sentence has no full stop
READ = 0.3  # seconds that it takes to read the turn, from the commit until vui asks
IN_FORCE = " Serving "


@pytest.fixture(scope="module")
def vui(shared_gateway: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vui]:
    folder = tmp_path_factory.mktemp("ahead")
    with vui_behind(shared_gateway, folder, VUI_SPEECHLESS_READ=f"{READ}") as running:
        yield running


@pytest.fixture
async def page(vui: Vui, openai: OpenAI) -> AsyncIterator[Page]:
    http(f"{vui.url}/reset", {})
    async with open_page(vui) as opened:
        openai.clear(text="It is sunny.")
        await opened.ws.send_json({"type": "settings", "trailing_off_delay": WAIT})
        yield opened


def replies(openai: OpenAI) -> list[Seen]:
    return [seen for seen in openai.seen if seen.body.get("stream")]


def asked(seen: Seen) -> str:
    return seen.body["messages"][-1]["content"]


async def speak(page: Page, text: str) -> None:
    """The user speaks, and is understood; no silence yet."""
    await page.recognise({"type": "vad_start"})
    await asyncio.sleep(0.45)  # vui takes less than 0.3 s of sound for a noise
    await page.recognise({"type": "partial", "text": text})
    await asyncio.sleep(0.2)


async def fall_silent(page: Page, openai: OpenAI, count: int = 1) -> None:
    """The user falls silent, and the provider has been asked so many times."""
    await page.recognise({"type": "vad_stop"})
    await until(lambda: len(replies(openai)) == count, WAIT - 0.2, "the head start")


def metrics(gateway: Program) -> str:
    return http(f"{gateway.url}/metrics", key=gateway.key)[1]


def counted(gateway: Program) -> dict[str, float]:
    found = re.findall(r"^vui_head_starts_(\w+) (\S+)", metrics(gateway), re.M)
    return {name: float(value) for name, value in found}


async def more(gateway: Program, before: dict[str, float], **than: float) -> None:
    """So many more head starts are counted than before."""

    def seen() -> bool:
        now = counted(gateway)
        return all(now[f"{name}today"] == before[f"{name}today"] + n for name, n in than.items())

    await until(seen, 5, lambda: f"{than} more than {before} among {counted(gateway)}")


async def test_nothing_is_sent_while_the_user_speaks_and_the_reply_is_there_when_vui_asks(
    page: Page, openai: OpenAI, shared_gateway: Program
) -> None:
    before = counted(shared_gateway)
    await speak(page, "What is the weather")
    assert not openai.seen
    began = time.monotonic()
    await fall_silent(page, openai)
    assert replies(openai)[0].at - began < WAIT / 2
    assert not page.replies(), "vui hasn't asked yet"
    await page.wait_for("reply", lambda e: e["text"] == "It is sunny.")
    assert [asked(seen) for seen in replies(openai)] == ["What is the weather"]
    await until(lambda: page.vui.said()[-1] == "It is sunny.", 5, "the reply is spoken")
    await more(shared_gateway, before, **{"": 1, "used_": 1, "unused_usd_": 0})
    line = [one for one in shared_gateway.log.splitlines() if "head_start=" in one][-1]
    assert "reply model=gpt-4.1-mini" in line


async def test_a_user_who_speaks_on_ends_it_and_nothing_of_it_is_kept(
    page: Page, openai: OpenAI, shared_gateway: Program
) -> None:
    before = counted(shared_gateway)
    openai.clear(text="Never heard. " * 50, pace=0.05)
    await speak(page, "What is the weather")
    await fall_silent(page, openai)
    first = replies(openai)[0]
    await until(lambda: first.sent > 3, WAIT / 2, "its words")
    await page.recognise({"type": "vad_start"})
    await until(lambda: first.closed_at, 1, "the provider's call ends")
    openai.script = type(openai.script)(text="Rome is sunny.")
    await asyncio.sleep(0.4)
    await page.recognise({"type": "partial", "text": "What is the weather in Rome"})
    await fall_silent(page, openai, 2)
    await page.wait_for("reply", lambda e: e["text"] == "Rome is sunny.")
    assert page.replies() == ["Rome is sunny."]
    assert "Never heard" not in json.dumps(page.events) + " ".join(page.vui.said())
    await more(shared_gateway, before, **{"": 2, "used_": 1})
    openai.clear(text="Yes.")
    await page.say("Sure?")
    assert "Never heard" not in json.dumps(replies(openai)[0].body)


async def test_a_transcript_that_changes_while_vui_waits_starts_one_more(
    page: Page, openai: OpenAI
) -> None:
    openai.clear(text="It is sunny. " * 20, pace=0.05)
    await speak(page, "What is the weather")
    await fall_silent(page, openai)
    openai.script = type(openai.script)(text="Rome is sunny.")
    await page.recognise({"type": "partial", "text": "What is the weather in Rome"})
    await page.wait_for("reply", lambda e: e["text"] == "Rome is sunny.")
    first, second = replies(openai)
    assert (asked(first), asked(second)) == ("What is the weather", "What is the weather in Rome")
    assert first.closed_at
    assert page.replies() == ["Rome is sunny."]


@pytest.mark.parametrize("kind", ["reset", "cancel"])
async def test_a_reset_and_a_cancel_end_it(page: Page, openai: OpenAI, kind: str) -> None:
    openai.clear(text="Never heard. " * 50, pace=0.05)
    await speak(page, "What is the weather")
    await fall_silent(page, openai)
    await asyncio.to_thread(http, f"{page.vui.url}/{kind}", {})
    await until(lambda: replies(openai)[0].closed_at, 2, "the provider's call ends")


async def test_who_speaks_between_the_commit_and_vuis_request_changes_nothing_of_the_reply(
    page: Page, openai: OpenAI
) -> None:
    await speak(page, "What is the weather.")
    await page.recognise({"type": "vad_stop"})
    await page.wait_for("transcription")
    more = [{"type": "vad_start"}, {"type": "partial", "text": "What is the weather. In Rome"}]
    await page.recognise(*more)
    await page.wait_for("reply")
    await asyncio.sleep(0.5)
    assert page.replies() == ["It is sunny."]
    assert [asked(seen) for seen in replies(openai)] == ["What is the weather."]


async def test_a_floor_that_is_taken_while_vui_waits_ends_it(page: Page, openai: OpenAI) -> None:
    openai.clear(text="Never heard. " * 50, pace=0.05)
    await speak(page, "What is the weather")
    await fall_silent(page, openai)
    await page.ws.send_json({"type": "floor_hold", "hold": True})
    await until(lambda: replies(openai)[0].closed_at, 1, "the provider's call ends")
    openai.clear(text="It is sunny.")
    await page.ws.send_json({"type": "floor_hold", "hold": False})
    await asyncio.sleep(WAIT + 1)
    assert "Never heard" not in json.dumps(page.events)


@pytest.mark.parametrize("when", ["before the commit", "after it"])
async def test_another_page_that_opens_hears_nothing_of_a_turn_that_it_did_not_have(
    page: Page, openai: OpenAI, when: str
) -> None:
    openai.clear(text="Never heard. " * 50, pace=0.05)
    await speak(page, "What is the weather")
    await fall_silent(page, openai)
    if when == "after it":
        await page.wait_for("transcription")
    async with open_page(page.vui) as other:
        assert "Never heard" not in json.dumps(other.events)
        openai.clear(text="Rome is sunny.")
        await speak(other, "What is the weather in Rome.")
        await other.recognise({"type": "vad_stop"})
        await other.wait_for("reply", lambda e: e["text"] == "Rome is sunny.")
        assert other.replies() == ["Rome is sunny."]


async def test_none_begins_while_the_floor_is_held_and_none_in_listen_mode_without_its_name(
    page: Page, openai: OpenAI
) -> None:
    await page.ws.send_json({"type": "floor_hold", "hold": True})
    await speak(page, "What is the weather")
    await page.recognise({"type": "vad_stop"})
    await asyncio.sleep(0.5)
    assert not replies(openai)
    await page.ws.send_json({"type": "floor_hold", "hold": False})
    await page.wait_for("reply", lambda e: e["text"] == "It is sunny.")
    openai.clear(text="Yes.")
    await page.ws.send_json({"type": "listen_mode", "enabled": True})
    await speak(page, "Is it cold")
    await page.recognise({"type": "vad_stop"})
    await asyncio.sleep(WAIT + 0.5)
    assert not replies(openai)
    await speak(page, "Vui, is it cold?")
    await page.recognise({"type": "vad_stop"})
    await page.wait_for("reply", lambda e: e["text"] == "Yes.")
    assert len(replies(openai)) == 1


async def test_vuis_speculative_reply_is_one_reply_at_the_end_of_speech(
    page: Page, openai: OpenAI
) -> None:
    await page.ws.send_json({"type": "settings", "speculative_reply": True})
    await page.recognise({"type": "vad_start"})
    said = "I was wondering whether you could tell me"
    for words in ("", " a long story about elephants"):
        said += words
        await page.recognise({"type": "stable_prefix", "text": said, "total_words": 20})
        await asyncio.sleep(1.6)  # vui speculates every 1.5 s at the most
    await page.recognise({"type": "partial", "text": f"{said} today"})
    assert not openai.seen
    await fall_silent(page, openai)
    await page.wait_for("reply", lambda e: e["text"] == "It is sunny.")
    assert [asked(seen) for seen in replies(openai)] == [f"{said} today"]
    await page.ws.send_json({"type": "settings", "speculative_reply": False})


async def test_a_refused_one_is_asked_for_in_the_usual_way(
    page: Page, openai: OpenAI, shared_gateway: Program
) -> None:
    before = counted(shared_gateway)
    spent = float(re.search(r"^vui_usd_today (\S+)", metrics(shared_gateway), re.M)[1])  # type: ignore[index]
    env = shared_gateway.project / ".env"
    await edited(shared_gateway, lambda: env.write_text(f"VUI_LITELLM_BUDGET={spent / 0.85:f}\n"))
    try:
        await speak(page, "What is the weather")
        await page.recognise({"type": "vad_stop"})
        await page.wait_for("reply")
    finally:
        await edited(shared_gateway, env.unlink)
    assert page.replies() == ["It is sunny."]
    assert len(replies(openai)) == 1
    await more(shared_gateway, before, **{"": 0})


async def edited(gateway: Program, edit: Callable[[], object]) -> None:
    """An edit of the gateway's files, in force."""
    lines = gateway.log.count(IN_FORCE)
    edit()
    await until(lambda: gateway.log.count(IN_FORCE) > lines, 10, "the edit is in force")
