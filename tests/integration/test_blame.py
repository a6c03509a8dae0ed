"""What failures cost: who is asked again, who is left alone, and what is heard of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.integration.test_check import check_at
from tests.matrix.conversations import HELLO, tools
from tests.providers.base import serving
from tests.providers.failing import Ends, Failing, Fails
from tests.providers.raw import RESET, RawProvider, raw_provider
from tests.support.harness import gateway, openai_model, vui_env
from tests.support.poll import until
from tests.support.report import record
from tests.support.turns import Turns
from vui_litellm import errors

TEXT = "Yeah, doing alright. What about you?"
REPLY = ["Yeah, doing alright.", "What about you?"]
SECTION, PAIRS = "faults", 40


@dataclass
class Wards(Turns):
    """Groups: `alone`, pairs that nobody has asked yet, `raw` (resets) and `home` (one's own)."""

    one: Failing
    two: Failing
    raw: RawProvider
    pairs: Iterator[str] = field(default_factory=lambda: map(pair, range(PAIRS)))

    async def thoughts(self, group: str) -> dict:
        backend = self.backend(group)
        try:
            return await backend.complete(HELLO, tools=tools())
        finally:
            await backend.aclose()

    def counts(self) -> tuple[int, int]:
        return len(self.one.seen), len(self.two.seen)


def pair(number: int) -> str:
    return f"pair-{number}"


def once_reset(_: bytes) -> Iterator[object]:
    yield RESET


@pytest.fixture(scope="module")
def _wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wards]:
    one, two = Failing(), Failing()
    with ExitStack() as stack:
        first, second = (stack.enter_context(serving(s.app)) for s in (one, two))
        raw = stack.enter_context(raw_provider(once_reset))
        models = [
            openai_model("alone", f"{first}/v1"),
            openai_model("raw", f"{raw.url}/v1", order=1),
            openai_model("raw", f"{second}/v1", order=2),
            openai_model("groq", f"{first}/v1"),
            {
                "model_name": "perplexity",
                "litellm_params": {"model": "perplexity/sonar", "api_base": first, "api_key": "k"},
            },
            {**openai_model("home", f"{first}/v1"), "model_info": {"local": True}},
        ]
        for name in map(pair, range(PAIRS)):
            models.append(openai_model(name, f"{first}/v1", order=1))
            models.append(openai_model(name, f"{second}/v1", order=2))
        config = {"model_list": models}
        folder = tmp_path_factory.mktemp("blame")
        env = {"VUI_LITELLM_HEDGE": "0"}
        with gateway(folder, config, env) as program:
            yield Wards(program, one, two, raw)


@pytest.fixture
def wards(_wards: Wards) -> Wards:
    """Everybody is well."""
    _wards.one.clear(text=TEXT)
    _wards.two.clear(text=TEXT)
    _wards.raw.seen.clear()
    return _wards


# https://console.groq.com/docs/tool-use: what a model wrote and Groq couldn't read.
def groq(written: str) -> Fails:
    message = "Failed to call a function. Please adjust your prompt. See 'failed_generation'."
    error = {"message": message, "type": "invalid_request_error", "code": "tool_use_failed"}
    return Fails(400, {"error": {**error, "failed_generation": written}})


CHANCES: dict[str, Fails | Ends] = {
    "400 `tool_use_failed` of a reply": groq("It is nine o'clock."),
    "an empty answer": Ends("stop"),
}


@pytest.mark.parametrize("name", CHANCES)
@pytest.mark.parametrize("group", ["alone", "pair"])
async def test_chance_is_asked_once_more_and_nobody_is_left_alone(
    wards: Wards, name: str, group: str
) -> None:
    group = next(wards.pairs) if group == "pair" else group
    wards.one.clear(CHANCES[name], text=TEXT)
    assert await wards.reply(group) == (REPLY, None)
    assert wards.counts() == (2, 0)
    assert await wards.reply(group) == (REPLY, None)
    assert wards.counts() == (3, 0)
    record(SECTION, name, "asked once more at once, unheard; the next turn goes there again")


async def test_a_reset_before_the_first_byte_is_asked_once_more_before_the_next(
    wards: Wards,
) -> None:
    assert await wards.reply("raw") == (REPLY, None)
    assert len(wards.raw.seen) == 2
    assert wards.counts() == (0, 1)


@pytest.mark.parametrize(
    "written", ["<function=get_time>{}</function>", '{"name": "get_time", "arguments": {}}']
)
async def test_a_failed_generation_of_thoughts_is_the_tool_call_that_it_says(
    wards: Wards, written: str
) -> None:
    name = tools()[0]["function"]["name"]
    wards.one.clear(groq(written.replace("get_time", name)))
    answer = await wards.thoughts("alone")
    (call,) = answer["tool_calls"]
    assert call["function"]["name"] == name
    assert wards.counts() == (1, 0)


# Each with its words, what is heard of it alone, and whether the pair's next turn asks it again.
OPENROUTER = {"message": "Input required moderation and was flagged", "code": 403}
XAI = "Your team 1 has either used all available credits or reached its monthly spending limit."
GEMINI = {
    "code": 429,
    "message": "You exceeded your current quota, please check your plan and billing details.",
    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "23s"}],
}
MOONSHOT = {"message": "Your account is suspended", "type": "exceeded_current_quota_error"}
WORDS = {
    "403 for a flagged sentence": (Fails(403, {"error": OPENROUTER}), errors.FILTERED, True),
    "403 for spent credit": (Fails(403, {"code": "no", "error": XAI}), errors.QUOTA, False),
    "500 `insufficient balance (1008)`": (
        Fails(500, {"error": {"message": "insufficient balance (1008)"}}), errors.QUOTA, False,
    ),
    "429 of Z.ai, code 1113": (
        Fails(429, {"error": {"code": "1113", "message": "no resource package"}}),
        errors.QUOTA, False,
    ),
    "429 `exceeded_current_quota_error`": (Fails(429, {"error": MOONSHOT}), errors.QUOTA, False),
    "429 with `retryDelay`": (Fails(429, {"error": GEMINI}), errors.RATE_LIMITED, False),
    "429 \"try again in 7.66s\"": (
        Fails(429, {"error": {"message": "Rate limit reached. Please try again in 7.66s."}}),
        errors.RATE_LIMITED, False,
    ),
    "413 of Groq's tokens per minute": (
        Fails(413, {"error": {"message": "Too large on tokens per minute (TPM): Limit 6000"}}),
        errors.RATE_LIMITED, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
async def test_the_words_of_a_failure_decide_what_is_said(wards: Wards, name: str) -> None:
    failure, sentence, _ = WORDS[name]
    wards.one.clear(failure, text=TEXT)
    heard, raised = await wards.reply("alone")
    assert (heard, bool(raised)) == ([sentence], True)
    assert await wards.reply("alone") == (REPLY, None), "nothing is left alone for good"
    record(SECTION, name, f"the next one answers; alone: “{sentence}”")


@pytest.mark.parametrize("name", WORDS)
async def test_the_words_of_a_failure_decide_who_is_left_alone(wards: Wards, name: str) -> None:
    failure, _, again = WORDS[name]
    group = next(wards.pairs)
    wards.one.clear(failure, text=TEXT)
    assert await wards.reply(group) == (REPLY, None)
    assert wards.counts() == (1, 1)
    assert await wards.reply(group) == (REPLY, None)
    assert wards.counts() == ((2, 1) if again else (1, 2))


@pytest.mark.parametrize(
    "failure",
    [
        Fails(
            404, {"error": {"message": "No endpoints found that support tool use.", "code": 404}}
        ),
        Fails(404, {"error": {"message": "No endpoints found matching your policy."}}),
        Fails(429, {"error": {"message": "Rate limit reached"}}),
        Fails(400, {"error": {"message": "no"}}),
        Ends("stop"),
    ],
)
async def test_thoughts_that_fail_leave_the_reply_its_model(wards: Wards, failure: Fails) -> None:
    wards.one.clear(failure, failure, of="tools", text=TEXT)
    wards.two.clear(failure, failure, of="tools", text=TEXT)
    group = next(wards.pairs)
    with suppress(httpx.HTTPStatusError):
        await wards.thoughts(group)
    for stand_in in (wards.one, wards.two):
        stand_in.clear(text=TEXT)
    assert await wards.reply(group) == (REPLY, None)
    assert wards.counts() == (1, 0)


BREAKS = ["error", "network_error", "abort", "insufficient_system_resource", "canceled"]
FILTERS = ["content_filter", "refusal", "sensitive", "recitation"]


@pytest.mark.parametrize("reason", [*BREAKS, *FILTERS])
async def test_an_end_that_says_that_it_broke_off_is_continued_by_the_next_one(
    wards: Wards, reason: str
) -> None:
    wards.one.clear(Ends(reason, 3), text=TEXT)
    assert await wards.reply(next(wards.pairs)) == (REPLY, None)
    assert wards.counts() == (1, 1)
    wards.one.clear(Ends(reason, 3), text=TEXT)
    heard, raised = await wards.reply("alone")
    sentence = errors.APOLOGY if reason in BREAKS else errors.FILTERED
    assert raised
    assert heard[-1] == sentence
    record(SECTION, f"finish reason `{reason}`", f"the next one goes on; alone: “{sentence}”")


@pytest.mark.parametrize("reason", ["error", "content_filter"])
async def test_thoughts_that_break_off_are_asked_of_the_next_one(wards: Wards, reason: str) -> None:
    wards.one.clear(Ends(reason, 3), of="tools")
    assert (await wards.thoughts(next(wards.pairs)))["tool_calls"]
    assert wards.counts() == (1, 1)


async def test_a_reply_that_is_cut_at_its_length_is_whole(wards: Wards) -> None:
    wards.one.clear(Ends("length", 100), text=TEXT)
    assert await wards.reply(next(wards.pairs)) == (REPLY, None)
    assert wards.counts() == (1, 0)
    assert "Unmapped finish_reason" not in wards.program.log


# LM Studio: lmstudio-bug-tracker 2322 and 2339, https://github.com/Gitlawb/openclaude/issues/353
SMALL = (
    "The number of tokens to keep from the initial prompt is greater than the context length "
    "(n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length."
)


def in_stream(error: object) -> Fails:
    return Fails(200, f"event: error\ndata: {json.dumps({'error': error})}\n\n")


SMALL_CONTEXTS: dict[str, Fails | Ends] = {
    "an error inside a 200": in_stream({"message": SMALL}),
    "a string inside a 200": in_stream(SMALL),
    "a stream without a delta": Ends("stop"),
    "400 with a string": Fails(400, {"error": SMALL}),
    "400 with a bare string": Fails(400, json.dumps(SMALL)),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL_CONTEXTS)
async def test_a_context_that_is_too_small_is_said_however_lm_studio_says_it(
    wards: Wards, name: str
) -> None:
    wards.one.clear(*[SMALL_CONTEXTS[name]] * 2)
    heard, raised = await wards.reply("home")
    assert raised
    assert heard == [errors.NEEDED_CONTEXT.format(8192)]


async def test_an_empty_reply_at_home_of_a_model_that_read_its_prompt_is_no_small_context(
    wards: Wards,
) -> None:
    wards.one.clear(text="")  # it counts the prompt, and the token that ends the turn
    heard, raised = await wards.reply("home")
    assert (heard, bool(raised)) == ([errors.EMPTY], True)
    assert len(wards.one.seen) == 2
    said = "its chat template may be wrong. Give the server the model's own"
    await until(lambda: said in wards.program.log, 5, "the log says what to do")


# https://console.groq.com/docs/rate-limits: the free plan's tokens a minute, in every answer.
SMALL_ACCOUNT = {"x-ratelimit-limit-tokens": "3000", "x-ratelimit-remaining-tokens": "100"}


async def test_a_small_account_keeps_its_tokens_for_replies_and_says_so_once(
    wards: Wards, tmp_path: Path
) -> None:
    wards.one.limits = SMALL_ACCOUNT
    assert await wards.reply("groq") == (REPLY, None)
    await wards.thoughts("groq")
    seen = len(wards.one.seen)
    for _ in range(2):
        assert await wards.reply("groq") == (REPLY, None)
        assert not (await wards.thoughts("groq")).get("tool_calls")
    asked = [bool(one.body.get("tools")) for one in wards.one.seen[seen:]]
    assert asked == [False, False]
    assert wards.one.seen[-1].body["max_tokens"] == 1024
    env = vui_env(wards.program.url, "groq", wards.program.key)
    result = await asyncio.to_thread(check_at, env, tmp_path, "--yes", "--model", "groq")
    assert "its account may ask for 3000 tokens a minute" in result.stdout
    assert wards.program.log.count("may ask for 3000 tokens a minute") == 1
    wards.one.limits = {"x-ratelimit-limit-tokens": "300000"}  # a larger plan
    assert await wards.reply("groq") == (REPLY, None)
    assert (await wards.thoughts("groq"))["tool_calls"]


async def test_perplexity_is_asked_for_no_thoughts_and_its_marks_are_not_heard(
    wards: Wards,
) -> None:
    wards.one.clear(text="The moon pulls at the sea [1][2]. And the sun helps.[3] [laugh] Nice.")
    assert not (await wards.thoughts("perplexity")).get("tool_calls")
    assert wards.counts() == (0, 0)
    backend = wards.backend("perplexity")
    heard = "".join([piece async for piece in backend.stream(HELLO)])
    await backend.aclose()
    assert heard == "The moon pulls at the sea. And the sun helps. [laugh] Nice."
    assert "perplexity/sonar takes no tools" in wards.program.log
