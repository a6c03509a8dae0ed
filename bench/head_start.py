"""From the end of speech to the first chunk for TTS, and what a head start costs: vui's real server
without its speech workers, driven by the messages that these would send.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from bench.arms import PROVIDER_KEY
from bench.measures import Keys
from bench.tail import PACE
from tests.providers.base import Script, Seen, serving
from tests.providers.openai import OpenAI
from tests.providers.paced import CHARACTERS, Billed, Paced
from tests.support.harness import Vui, gateway, openai_model, speechless_vui, vui_env
from tests.support.page import Page, open_page
from tests.support.poll import until

__all__ = ["ALL"]

MODEL = "gpt-4.1-mini"
# Seconds that vui's own workers take for the codec's last frames, and to read the user's turn.
WORKERS = {"VUI_SPEECHLESS_CODEC": "0.05", "VUI_SPEECHLESS_READ": "0.08"}
TRAILING_OFF = 0.7  # seconds that vui waits where a sentence has no full stop, if it is set so
NOISE = 0.45  # seconds; vui takes less than 0.3 s of sound for a noise
TOO_SHORT = "(too short)"  # vui's word for it, which a busy machine's sound is sooner
CHANGES_AFTER = 0.06  # seconds until a transcript changes
SPEAKS_ON_AFTER = 0.4  # seconds, before vui commits where the sentence has no full stop
NAME = "speech_end_to_first_chunk_"
AT_ONCE = 4  # vuis, where 2,000 turns would take an hour; ten are too many for two cores
ECHO = "You said {}, is that right? I think so."
ECHOED = re.compile(r"You said (.*), is that right")


class Companion(Paced):
    """Replies at a provider's pace, and thoughts at once; where the script repeats, a reply says
    what it answers.
    """

    async def _respond(self, request: Request, seen: Seen, script: Script) -> Response:
        for message in seen.body["messages"]:
            if isinstance(message.get("content"), list):  # of parts
                message["content"] = "".join(part["text"] for part in message["content"])
        if seen.body.get("stream"):
            if script.repeats:
                said = _bare(seen.body["messages"][-1]["content"])
                script = replace(script, repeats=False, text=ECHO.format(said))
            return await super()._respond(request, seen, script)
        sent = sum(len(message.get("content") or "") for message in seen.body["messages"])
        self.billed.append(Billed(seen.path, "", sent // CHARACTERS))
        return await OpenAI._respond(self, request, seen, script)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


@contextmanager
def vuis(folder: Path, arms: dict[str, dict[str, str]]) -> Iterator[tuple[Companion, dict]]:
    """One vui's server for each arm, with its variables; `direct` is vui as it comes. The
    provider's path begins with the arm's name.
    """
    companion = Companion()
    with ExitStack() as stack:
        base = stack.enter_context(serving(companion.app))
        models = [
            {**openai_model(MODEL, f"{base}/{arm}/v1", api_key=PROVIDER_KEY), "model_name": arm}
            for arm in arms
        ]
        config = {"model_list": models}
        program = stack.enter_context(gateway(folder / "gateway", config, fresh=True))
        own = {
            "VUI_SPEECHLESS_OWN": "1", "VUI_LLM_BACKEND": "openai", "VUI_OPENAI_URL": base,
            "VUI_OPENAI_MODEL": MODEL, "VUI_OPENAI_API_KEY": PROVIDER_KEY,
        }  # fmt: skip
        up = {}
        for arm, variables in arms.items():
            env = own if arm == "direct" else vui_env(program.url, arm, program.key)
            vui = speechless_vui(folder / arm, {**env, **variables})
            up[arm] = stack.enter_context(vui)
        yield companion, up


async def at_pages(up: dict[str, Vui], use: Callable[[dict[str, Page]], Awaitable[Keys]]) -> Keys:
    """What is found with a page open at each vui."""
    async with AsyncExitStack() as stack:
        pages = {a: await stack.enter_async_context(open_page(vui)) for a, vui in up.items()}
        return await use(pages)


async def speak(page: Page, text: str) -> None:
    """The user speaks, and is understood; no silence yet."""
    await page.recognise({"type": "vad_start"})
    await asyncio.sleep(NOISE)
    page.events.clear()  # the end of a reply that this one interrupts is among them
    await page.recognise({"type": "partial", "text": text})
    await asyncio.sleep(0.1)


async def over(page: Page) -> None:
    """The reply has been spoken, and vui listens."""

    def ended() -> bool:
        turns = [e["type"] for e in page.events if e["type"] in ("reply", "turn_done")]
        return "reply" in turns and turns[-1] == "turn_done"

    await until(ended, 30, lambda: f"the end of the reply among {page.events}")
    await asyncio.sleep(0.3)


async def first_chunk(page: Page, text: str, changed: str = "") -> float:
    """Seconds from the end of speech until the first chunk for TTS.

    changed: what the transcript becomes while vui waits.
    """
    await speak(page, text)
    spoken = len(await _said(page))
    silent = time.time()
    await page.recognise({"type": "vad_stop"})
    if changed:
        await asyncio.sleep(CHANGES_AFTER)
        await page.recognise({"type": "partial", "text": changed})
    await over(page)
    return (await _said(page))[spoken]["at"] - silent


async def _said(page: Page) -> list[dict]:
    return await asyncio.to_thread(lambda: page.vui.spoken())


def speech_end(folder: Path, turns: int = 40) -> Keys:
    """Of vui as it comes, and of ours, side by side: the median; the mean where transcripts
    change.
    """
    cases: dict[str, tuple[str, Callable[[int], str], Callable[[list[float]], float]]] = {
        "": (".", lambda _: "", statistics.median),
        "trailing_": ("", lambda _: "", statistics.median),
        "changing_": (".", lambda n: "" if n % 3 else " And tomorrow.", statistics.mean),
    }

    async def converse(page: Page, case: str) -> float:
        mark, more, average = cases[case]
        await page.ws.send_json({"type": "settings", "trailing_off_delay": TRAILING_OFF})
        found = []
        for number in range(turns + 1):
            text = f"Tell me about number {number}{mark}"
            changed = text + more(number) if more(number) else ""
            found.append(await first_chunk(page, text, changed))
        return average(found[1:])

    async def use(pages: dict[str, Page]) -> Keys:
        keys: Keys = {}
        for case in cases:
            both = (converse(pages[arm], case) for arm in ("direct", "ours"))
            name, (direct, ours) = NAME + case, await asyncio.gather(*both)
            keys |= {f"{name}direct_ms": 1000 * direct, f"{name}ours_ms": 1000 * ours}
            keys[f"{name}vs_direct"] = ours / direct
        return keys

    with vuis(folder, {"direct": WORKERS, "ours": WORKERS}) as (companion, up):
        companion.clear(**PACE)
        return asyncio.run(at_pages(up, use))


def head_start_cost(folder: Path, turns: int = 50) -> Keys:
    """Tokens that are billed for turns of which each fifth user speaks on, over the same without
    head starts.
    """

    async def converse(page: Page) -> None:
        await page.ws.send_json({"type": "settings", "trailing_off_delay": TRAILING_OFF})
        for number in range(turns):
            await speak(page, f"Tell me about number {number}")
            await page.recognise({"type": "vad_stop"})
            if number % 5 == 0:
                await asyncio.sleep(SPEAKS_ON_AFTER)
                await page.recognise({"type": "vad_start"})
                await asyncio.sleep(NOISE)
                text = f"Tell me about number {number} in Rome"
                await page.recognise({"type": "partial", "text": text}, {"type": "vad_stop"})
            await over(page)

    async def use(pages: dict[str, Page]) -> Keys:
        companion.billed.clear()
        await asyncio.gather(*map(converse, pages.values()))
        await asyncio.sleep(1)  # the last thoughts
        tokens: Counter[str] = Counter()
        for one in companion.billed:
            tokens[one.path.split("/")[1]] += one.tokens_in + one.tokens_out
        return {"head_start_extra_cost": tokens["ours"] / tokens["without"] - 1}

    with vuis(folder, {"ours": WORKERS, "without": {**WORKERS, "VUI_LITELLM_HEAD_START": "0"}}) as (
        companion,
        up,
    ):
        companion.clear(**PACE)
        return asyncio.run(at_pages(up, use))


def wrong_replies(folder: Path, turns: int = 2000) -> Keys:
    """Replies to another text than vui committed: with random changes, resumptions, barge-ins."""

    async def use(pages: dict[str, Page]) -> Keys:
        share = -(-turns // len(pages))
        talks = (_talk(page, random.Random(n), share) for n, page in enumerate(pages.values()))
        return {"head_start_wrong_replies": sum(await asyncio.gather(*talks))}

    one = {"VUI_SPEECHLESS_PACE": "0.02"}
    with vuis(folder, {f"ours-{n}": one for n in range(AT_ONCE)}) as (companion, up):
        companion.clear(repeats=True, delay=0.15)
        return asyncio.run(at_pages(up, use))


async def _talk(page: Page, draws: random.Random, turns: int) -> int:
    """How many of the replies are wrong."""
    wrong = 0
    await page.ws.send_json({"type": "settings", "trailing_off_delay": 0.2})
    for number in range(turns):
        text = f"question {number}"
        await speak(page, text)
        for _ in range(draws.choice((0, 0, 0, 1, 2))):  # the user pauses, and speaks on
            await page.recognise({"type": "vad_stop"})
            await asyncio.sleep(draws.uniform(0, 0.25))
            await page.recognise({"type": "vad_start"})
            await asyncio.sleep(NOISE)
            text += " and more"
            await page.recognise({"type": "partial", "text": text})
        await page.recognise({"type": "vad_stop"})
        for _ in range(draws.choice((0, 0, 1, 2))):  # the transcript changes meanwhile
            await asyncio.sleep(draws.uniform(0, 0.12))
            text += draws.choice((" again", ".", " please"))
            await page.recognise({"type": "partial", "text": text})
        await _answer(page)
        if draws.random() < 0.8:  # else the next turn is a barge-in
            await over(page)
        wrong += _is_wrong(page.events)
    return wrong


async def _answer(page: Page) -> None:
    """A reply begins; who was taken for a noise makes another sound, and pauses again."""
    known: list[dict] = []

    def changed() -> bool:
        return bool(_answered(page.events)[1]) or len(_noises(page.events)) > len(known)

    while not _answered(page.events)[1]:
        await until(changed, 30, "a reply")
        if len(_noises(page.events)) > len(known):
            known[:] = _noises(page.events)
            await page.recognise({"type": "vad_start"})
            await asyncio.sleep(NOISE)
            await page.recognise({"type": "vad_stop"})


def _noises(events: list[dict]) -> list[dict]:
    return [event for event in events if event.get("text") == TOO_SHORT]


def _answered(events: list[dict]) -> tuple[str, str]:
    """The text that was committed last, and the sentences that followed it."""
    committed, said = "", ""
    for event in events:
        if event["type"] == "transcription" and event["text"] != TOO_SHORT:
            committed, said = event["text"], ""
        elif event["type"] == "reply":
            said += f"{event['text']} "
    return committed, said


def _is_wrong(events: list[dict]) -> bool:
    """Whether the last reply names another text than the one committed."""
    committed, said = _answered(events)
    return ECHOED.findall(said) != [_bare(committed)]


ALL = (speech_end, head_start_cost, wrong_replies)
