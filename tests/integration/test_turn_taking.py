"""vui's own turn-taking on our backend: tools, barge-in, relays, other endpoints."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.providers.base import Seen
from tests.providers.openai import OpenAI, arguments
from tests.support.harness import Program, Vui, http, vui_behind
from tests.support.page import Page, open_page
from tests.support.poll import until

TRIES = 5  # bench/ makes 200
LONG = "One thing after another. " * 200


@pytest.fixture(scope="module")
def vui(shared_gateway: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vui]:
    folder = tmp_path_factory.mktemp("turns")
    # A sentence takes a while to say.
    with vui_behind(shared_gateway, folder, VUI_SPEECHLESS_PACE="0.15") as running:
        yield running


@pytest.fixture
async def page(vui: Vui, openai: OpenAI) -> AsyncIterator[Page]:
    http(f"{vui.url}/reset", {})
    async with open_page(vui) as opened:
        openai.clear()
        yield opened


async def test_a_memory_that_the_model_picks_shows_on_the_page(page: Page, openai: OpenAI) -> None:
    openai.clear(tool="add_memory", arguments=arguments(text="Name is Ada"))
    await page.say("My name is Ada.")
    await page.wait_for("memories", lambda e: "Name is Ada" in json.dumps(e["memories"]))
    assert len(openai.seen) == 2


async def test_a_timer_shows_as_a_task_and_its_end_is_relayed(page: Page, openai: OpenAI) -> None:
    openai.clear(tool="set_timer", arguments=arguments(seconds=3, subject="pasta"))
    await page.say("Set a timer for the pasta.")
    await page.wait_for("task_update", lambda e: "pasta timer" in json.dumps(e))
    openai.clear(text="Hey, your pasta timer is up.")
    await page.wait_for("reply", lambda e: e["text"] == "Hey, your pasta timer is up.")
    (relay,) = openai.seen
    assert "Your pasta timer is up." in relay.body["messages"][-1]["content"]


async def test_the_result_of_a_finished_task_is_relayed(page: Page, openai: OpenAI) -> None:
    openai.clear(text="Right, your emails. Three of them.")
    done = {"task_id": "t1", "status": "done", "result": "3 unread", "prompt": "Check emails"}
    await asyncio.to_thread(http, f"{page.vui.url}/task_done", done)
    await page.wait_for("reply", lambda e: e["text"] == "Three of them.")
    assert openai.seen[0].body["messages"][-1] == {"role": "user", "content": "3 unread"}


async def barge_in(page: Page, seen: Seen) -> float:
    """Seconds from the user's first sound until the provider's stream is closed."""
    started = time.monotonic()
    await page.recognise({"type": "vad_start"})
    return await until(lambda: seen.closed_at, 5, "the provider's stream ends") - started


async def interrupting_turns(page: Page, openai: OpenAI, sent: int) -> list[float]:
    """Turn after turn, each interrupted by the next once `sent` pieces of it went out."""
    took = []
    await page.hear("Tell me a story.")
    for count in range(TRIES):

        def streaming(count: int = count) -> list[Seen]:
            return [seen for seen in openai.seen[count:] if seen.sent >= sent]

        took.append(await barge_in(page, (await until(streaming, 10, "the reply is under way"))[0]))
        await asyncio.sleep(0.4)  # vui takes less than 0.3 s of sound for a noise
        await page.recognise({"type": "partial", "text": f"No, tell me story {count}."})
        await page.recognise({"type": "vad_stop"})
    return took


def report(name: str, took: list[float]) -> None:
    """Speed is for bench/ to judge; here a hang fails."""
    ordered = sorted(took)
    p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    print(f"\n{name}: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, {len(took)} tries")
    assert p95 < 1


async def test_a_barge_in_before_the_first_token_closes_the_providers_stream(
    page: Page, openai: OpenAI
) -> None:
    openai.clear(delay=60)
    report("barge-in before the first token", await interrupting_turns(page, openai, 0))
    assert not page.replies()


async def test_a_barge_in_in_mid_reply_closes_the_providers_stream(
    page: Page, openai: OpenAI
) -> None:
    openai.clear(text=LONG, pace=0.03)
    report("barge-in in mid-reply", await interrupting_turns(page, openai, 12))


async def test_after_a_barge_in_the_next_turn_is_answered(page: Page, openai: OpenAI) -> None:
    openai.clear(delay=60)
    await page.hear("Tell me a story.")
    await until(lambda: openai.seen, 10, "the call")
    await barge_in(page, openai.seen[0])
    openai.clear(text="Sure, no story.")
    await asyncio.sleep(0.4)
    await page.recognise({"type": "partial", "text": "No, forget it."})
    await page.recognise({"type": "vad_stop"})
    await page.wait_for("reply", lambda e: e["text"] == "Sure, no story.")


async def test_a_failed_reply_is_spoken_and_logged_and_the_next_turn_works(
    page: Page, openai: OpenAI
) -> None:
    openai.clear(fault="error-frame", after=8, text="Your calendar has three things today.")
    replies = await page.say("What's on my calendar?")
    assert replies[-1] == "Sorry, something went wrong with the model, please try again."
    await page.wait_for("log", lambda e: "the model fell over" in e["text"])
    assert "the model fell over" in page.vui.program.log
    await asyncio.sleep(1)
    openai.clear(text="Three meetings.")
    assert await page.say("And now?", seconds=40) == ["Three meetings."]
    history = json.dumps(openai.seen[0].body["messages"])
    assert "Sorry, something went wrong" not in history


async def test_the_realtime_endpoint_gets_a_reply(vui: Vui, openai: OpenAI) -> None:
    openai.clear(text="Hello from realtime.")
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    async with (
        aiohttp.ClientSession(vui.url) as session,
        session.ws_connect("/v1/realtime") as ws,
        asyncio.timeout(20),
    ):
        await ws.send_json({"type": "conversation.item.create", "item": item})
        await ws.send_json({"type": "response.create"})
        text = ""
        async for message in ws:
            event = message.json()
            if event["type"] == "response.audio_transcript.delta":
                text += event["delta"]
            if event["type"] == "response.done":
                break
    assert "Hello from realtime." in text


async def test_a_voice_note_gets_a_reply_text(vui: Vui, openai: OpenAI) -> None:
    openai.clear(text="Hello from a voice note.")
    await asyncio.to_thread(http, f"{vui.control}/final", {"text": "What's up?"})
    form = aiohttp.FormData()
    form.add_field("audio", b"RIFF", filename="note.wav")
    async with (
        aiohttp.ClientSession(vui.url) as session,
        session.post("/v1/voice-note", data=form) as answer,
    ):
        body = await answer.json()
    assert body["reply_text"] == "Hello from a voice note."
    assert body["asr_text"] == "What's up?"
