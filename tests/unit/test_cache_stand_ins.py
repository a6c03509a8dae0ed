"""The stand-ins' prompt caches keep the providers' rules."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.providers import anthropic, bedrock, gemini, openai, openai_like
from tests.providers.base import StandIn, serving
from tests.providers.cache import Bill, Block, InvalidMarks, Prompt, PromptCache, Rule, check_marks
from tests.providers.cache import count as tokens
from tests.support.harness import http


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> PromptCache:
    return PromptCache(clock)


def text(name: str, size: int) -> str:
    """A text of about so many tokens that begins like no other."""
    return f"{name} " + "word " * (size - tokens(name))


def prompt(*system: Block, messages: list[Block] | None = None, key: str = "") -> Prompt:
    return Prompt([], list(system), messages or [Block("Hi")], key)


BLOCKS = Rule("", 1024, kind="blocks")
LONG = text("persona", 2000)


def pay(cache: PromptCache, rule: Rule, asked: Prompt, account: str = "a") -> Bill:
    return cache.bill(account, "model", rule, asked)


def test_a_marked_prefix_is_written_once_and_then_read(cache: PromptCache) -> None:
    asked = prompt(Block(LONG, "5m"))
    first, second = pay(cache, BLOCKS, asked), pay(cache, BLOCKS, asked)
    assert (first.read, first.written) == (0, tokens(LONG))
    assert (second.read, second.written, second.fresh) == (tokens(LONG), 0, 1)


def test_nothing_is_kept_without_a_mark_or_below_the_least_length(cache: PromptCache) -> None:
    for block in (Block(LONG), Block(text("short", 1000), "5m")):
        for _ in range(2):
            bill = pay(cache, BLOCKS, prompt(block))
            assert (bill.read, bill.written) == (0, 0)


def test_a_prefix_lives_five_minutes_from_its_last_use(cache: PromptCache, clock: Clock) -> None:
    asked = prompt(Block(LONG, "5m"))
    pay(cache, BLOCKS, asked)
    for _ in range(3):
        clock.now += 299
        assert pay(cache, BLOCKS, asked).read
    clock.now += 301
    assert pay(cache, BLOCKS, asked).written


def test_an_hour_is_billed_apart_and_lives_as_long(cache: PromptCache, clock: Clock) -> None:
    asked = prompt(Block(LONG, "1h"))
    assert pay(cache, BLOCKS, asked).written_hour == tokens(LONG)
    clock.now += 3500
    assert pay(cache, BLOCKS, asked).read


def test_accounts_models_and_blocks_that_differ_share_nothing(cache: PromptCache) -> None:
    pay(cache, BLOCKS, prompt(Block(LONG, "5m")))
    assert not pay(cache, BLOCKS, prompt(Block(LONG, "5m")), "b").read
    assert not cache.bill("a", "other", BLOCKS, prompt(Block(LONG, "5m"))).read
    # The same words in two blocks are another prefix.
    assert not pay(cache, BLOCKS, prompt(Block(LONG[:100]), Block(LONG[100:], "5m"))).read


def test_what_changes_behind_a_mark_leaves_it_and_before_it_voids_it(cache: PromptCache) -> None:
    def asked(memory: str, clock: str) -> Prompt:
        return prompt(Block(LONG, "5m"), Block(text(memory, 500), "5m"), Block(clock))

    pay(cache, BLOCKS, asked("one", "10:00"))
    assert pay(cache, BLOCKS, asked("one", "10:01")).read == tokens(LONG) + tokens(text("one", 500))
    changed = pay(cache, BLOCKS, asked("two", "10:01"))
    assert changed.read == tokens(LONG)
    assert changed.written == tokens(text("two", 500))


def test_a_mark_finds_an_earlier_one_at_most_20_blocks_back(cache: PromptCache) -> None:
    def asked(turns: int) -> Prompt:
        talk = [Block(f"turn {number} ") for number in range(turns)]
        return prompt(Block(LONG), messages=[*talk, Block("now", "5m")])

    def marked_at_start(turns: int) -> Prompt:
        talk = [Block(f"turn {number} ") for number in range(turns)]
        return prompt(Block(LONG, "5m"), messages=[*talk, Block("now")])

    pay(cache, BLOCKS, marked_at_start(0))
    assert pay(cache, BLOCKS, asked(18)).read == tokens(LONG)
    cache = PromptCache(cache.clock)
    pay(cache, BLOCKS, marked_at_start(0))
    assert not pay(cache, BLOCKS, asked(19)).read


def test_refused_marks() -> None:
    marks = [Block(f"{number}", "5m") for number in range(5)]
    check_marks(marks[:4])
    with pytest.raises(InvalidMarks, match="maximum of 4"):
        check_marks(marks)
    with pytest.raises(InvalidMarks, match="empty"):
        check_marks([Block(" ", "5m")])
    check_marks([Block("a", "1h"), Block("b", "5m")])
    with pytest.raises(InvalidMarks, match="1h"):
        check_marks([Block("a", "5m"), Block("b", "1h")])


def test_a_prefix_is_found_in_steps_from_the_least_length_on(cache: PromptCache) -> None:
    rule = Rule("", 1024, step=128)
    pay(cache, rule, prompt(Block(LONG)))
    assert pay(cache, rule, prompt(Block(LONG + " and more"))).read == 1920
    assert pay(cache, rule, prompt(Block(LONG[:6000]))).read == 1152  # 1,200 tokens in common
    assert not pay(cache, rule, prompt(Block(LONG[:5000]))).read


def test_machines_are_met_again_as_often_as_told(cache: PromptCache) -> None:
    rule = Rule("", 1024, step=128, hits=(0.6, 0.87))
    found = [bool(pay(cache, rule, prompt(Block(LONG))).read) for _ in range(101)]
    assert sum(found) == 60
    keyed = [bool(pay(cache, rule, prompt(Block(LONG), key="k")).read) for _ in range(101)]
    assert sum(keyed) == 87
    never = Rule("", 64, step=64, hits=(0.0, 1.0))
    assert not any(pay(cache, never, prompt(Block(LONG))).read for _ in range(10))


def test_other_first_tokens_are_another_machine(cache: PromptCache) -> None:
    rule = Rule("", 1024, step=128, hits=(1.0, 0.99))
    pay(cache, rule, prompt(Block("10:00 " + LONG)))
    assert not pay(cache, rule, prompt(Block("10:01 " + LONG))).read
    assert pay(cache, rule, prompt(Block("10:00 " + LONG))).read


def test_a_unit_is_read_whole_or_not_at_all_and_the_third_prompt_finds_what_two_shared(
    cache: PromptCache,
) -> None:
    rule = Rule("", 64, 7200, step=64, kind="units")

    def asked(end: str) -> Prompt:
        return prompt(Block(LONG), messages=[Block(text(end, 200))])

    pay(cache, rule, asked("one"))
    assert pay(cache, rule, asked("two")).read == 0
    assert pay(cache, rule, asked("three")).read == 1984
    longer = prompt(Block(LONG), messages=[Block(text("one", 200)), Block("and on")])
    assert pay(cache, rule, longer).read == (2000 + 200) // 64 * 64


# ---- on the wire


def usage(stand_in: StandIn, path: str, body: dict, headers: dict[str, str]) -> list[dict]:
    """What two calls of this body report."""
    stand_in.cache = PromptCache()
    with serving(stand_in.app) as url:
        return [ask(url + path, body, headers) for _ in range(2)]


def ask(url: str, body: dict, headers: dict[str, str]) -> dict:

    answer = httpx.post(url, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found.get("usage") or found["usageMetadata"]


CLAUDE = {
    "model": "claude-sonnet-4-6", "max_tokens": 10,
    "system": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}],
    "messages": [{"role": "user", "content": "Hello"}],
}  # fmt: skip
ANTHROPIC = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
OPENAI = {
    "model": "gpt-4.1-mini",
    "messages": [{"role": "system", "content": LONG}, {"role": "user", "content": "Hello"}],
}
BEARER = {"authorization": "Bearer k"}


def test_anthropics_usage_counts_fresh_tokens_apart() -> None:
    first, second = usage(anthropic.Anthropic(), "/v1/messages", CLAUDE, ANTHROPIC)
    size = first["cache_creation_input_tokens"]
    assert size > 2000
    assert first["cache_creation"]["ephemeral_5m_input_tokens"] == size
    assert second["cache_read_input_tokens"] == size
    assert second["input_tokens"] < 10


def test_haiku_4_5_keeps_nothing_below_4096() -> None:
    body = {**CLAUDE, "model": "claude-haiku-4-5"}
    for found in usage(anthropic.Anthropic(), "/v1/messages", body, ANTHROPIC):
        assert not found["cache_creation_input_tokens"]
        assert not found["cache_read_input_tokens"]


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("claude-sonnet-4-20250514", 1024), ("claude-sonnet-4-5-20250929", 1024),
        ("claude-opus-4-1-20250805", 1024), ("claude-opus-5", 512), ("claude-opus-4-5", 4096),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 4096), ("claude-opus-4-7", 2048),
        ("us.anthropic.claude-sonnet-4-6", 1024),
    ],
)  # fmt: skip
def test_the_least_length_of_a_claude(model: str, least: int) -> None:

    assert next(rule.least for name, rule in anthropic.CACHES if re.search(name, model)) == least


def test_bedrocks_usage_and_cache_points() -> None:
    body = {
        "system": [{"text": LONG}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
    }
    path = "/model/us.anthropic.claude-sonnet-4-6/converse"
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/x"}
    first, second = usage(bedrock.Bedrock(), path, body, signed)
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 2000
    assert second["inputTokens"] < 10
    assert second["totalTokens"] > 2000


def test_the_usage_of_those_that_find_prefixes_by_themselves() -> None:
    _, second, *_ = usage(openai_like.Groq(), "/openai/v1/chat/completions",
                          {**OPENAI, "model": "openai/gpt-oss-120b"}, BEARER)  # fmt: skip
    assert second["prompt_tokens_details"]["cached_tokens"] > 1900
    _, second = usage(openai_like.Groq(), "/openai/v1/chat/completions",
                      {**OPENAI, "model": "llama-3.3-70b-versatile"}, BEARER)  # fmt: skip
    assert not second["prompt_tokens_details"]["cached_tokens"]
    deep = {**OPENAI, "model": "deepseek-v4-flash"}
    _, second = usage(openai_like.DeepSeek(), "/v1/chat/completions", deep, BEARER)
    assert second["prompt_cache_hit_tokens"] == second["prompt_tokens_details"]["cached_tokens"] > 0
    parts = second["prompt_cache_hit_tokens"] + second["prompt_cache_miss_tokens"]
    assert parts == second["prompt_tokens"]
    google = {
        "systemInstruction": {"parts": [{"text": text("soul", 3000)}]},
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
    }
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    first, second = usage(gemini.Gemini(), path, google, {"x-goog-api-key": "k"})
    assert "cachedContentTokenCount" not in first
    assert second["cachedContentTokenCount"] > 2048


def test_mistral_wants_a_key_and_xai_a_header() -> None:
    def cached(stand_in: StandIn, body: dict, **headers: str) -> int:
        _, second = usage(stand_in, "/v1/chat/completions", body, {**BEARER, **headers})
        return second["prompt_tokens_details"]["cached_tokens"]

    assert not cached(openai_like.Mistral(), OPENAI)
    assert cached(openai_like.Mistral(), {**OPENAI, "prompt_cache_key": "k"}) > 1900
    assert not cached(openai_like.XAI(), OPENAI)
    assert not cached(openai_like.XAI(), {**OPENAI, "prompt_cache_key": "k"})
    assert cached(openai_like.XAI(), OPENAI, **{"x-grok-conv-id": "k"}) > 1900


def test_from_gpt_5_6_on_the_prompts_end_is_written_and_marks_are_taken() -> None:
    system = [{"type": "text", "text": LONG, "prompt_cache_breakpoint": {"mode": "explicit"}}]

    def body(said: str) -> dict:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": said}]
        return {"model": "gpt-5.6", "messages": messages}

    stand_in = openai_like.GPT56()
    stand_in.cache = PromptCache()
    with serving(stand_in.app) as url:
        first, second = (
            ask(f"{url}/v1/chat/completions", body(said), BEARER)["prompt_tokens_details"]
            for said in ("Hello", "Good evening")
        )
    assert first["cache_write_tokens"] > 2000
    assert second["cached_tokens"] > 2000
    assert second["cache_write_tokens"] < 10


MARK = {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("stand_in", "path", "body", "headers"),
    [
        (openai.OpenAI, "/v1/chat/completions",
         {**OPENAI, "messages": [
             {"role": "user", "content": [{"type": "text", "text": "Hi", **MARK}]}]}, BEARER),
        (openai.OpenAI, "/v1/chat/completions",
         {**OPENAI, "tools": [{"type": "function", "function": {"name": "f"}, **MARK}]}, BEARER),
        (openai_like.Mistral, "/v1/chat/completions",
         {**OPENAI, "messages": [
             {"role": "user", "content": [{"type": "text", "text": "Hi", **MARK}]}]}, BEARER),
        (openai_like.Groq, "/v1/chat/completions", {**OPENAI, "prompt_cache_key": "k"}, BEARER),
        (openai_like.DeepSeek, "/v1/chat/completions", {**OPENAI, "prompt_cache_key": "k"}, BEARER),
        (anthropic.Anthropic, "/v1/messages",
         {**CLAUDE, "system": [{"type": "text", "text": str(n), **MARK} for n in range(5)]},
         ANTHROPIC),
        (anthropic.Anthropic, "/v1/messages",
         {**CLAUDE, "messages": [{"role": "user", "content": [
             {"type": "text", "text": "Hi", "cache_control": {"type": "persistent"}}]}]},
         ANTHROPIC),
        (bedrock.Bedrock, "/model/claude/converse",
         {"system": [{"cachePoint": {"type": "default"}}, {"text": "x"}],
          "messages": [{"role": "user", "content": [{"text": "Hello"}]}]},
         {"authorization": "AWS4-HMAC-SHA256 Credential=k/"}),
    ],
)  # fmt: skip
def test_a_mark_is_refused_where_the_api_refuses_it(
    stand_in: type[StandIn], path: str, body: dict, headers: dict[str, str]
) -> None:

    with serving(stand_in().app) as url:
        assert httpx.post(url + path, json=body, headers=headers).status_code in (400, 422)


def test_without_a_cache_the_usage_is_as_ever() -> None:
    with serving((stand_in := openai.OpenAI()).app) as url:
        status, answer = http(f"{url}/v1/chat/completions", OPENAI, key="k")
    found: Any = answer
    assert status == 200
    assert found["usage"] == openai.USAGE
    assert stand_in.cache is None
