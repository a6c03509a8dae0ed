"""Failures with HTTP 200, as MiniMax and others answer: who is asked next, and what is heard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from tests.matrix.conversations import HELLO, tools
from tests.providers.base import serving
from tests.providers.failing import Failing, Fails
from tests.providers.minimax import MiniMax
from tests.providers.openai import OpenAI
from tests.support.harness import gateway, openai_model
from tests.support.report import record
from tests.support.turns import Turns
from vui_litellm import errors

TEXT = "Yeah, doing alright. What about you?"
REPLY = ["Yeah, doing alright.", "What about you?"]


# https://platform.minimax.io/docs/api-reference/errorcode
MINIMAX = {
    1000: (errors.APOLOGY, "no_answer"),
    1002: (errors.RATE_LIMITED, "provider_rate_limited"),
    1004: (errors.PROVIDER_KEY, "provider_key_refused"),
    1008: (errors.QUOTA, "provider_quota_exceeded"),
    1026: (errors.FILTERED, "content_policy_violation"),
    1027: (errors.FILTERED, "content_policy_violation"),
    1039: (errors.RATE_LIMITED, "provider_rate_limited"),
    2013: (errors.REQUEST_REFUSED, "provider_refused_request"),
    2049: (errors.PROVIDER_KEY, "provider_key_refused"),
    2056: (errors.QUOTA, "provider_quota_exceeded"),
}


@dataclass
class Providers(Turns):
    """`minimax` and `other` alone, and pairs: MiniMax before one that is well."""

    minimax: MiniMax
    other: Failing
    well: OpenAI

    async def thoughts_fail(self, group: str) -> str:
        """The code of the failure of vui's thoughts, which aren't streamed."""
        backend = self.backend(group)
        with pytest.raises(httpx.HTTPStatusError) as raised:
            await backend.complete(HELLO, tools=tools())
        await backend.aclose()
        return getattr(raised.value, "code", "")


@pytest.fixture(scope="module")
def _providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    minimax, other, well = MiniMax(), Failing(), OpenAI()
    with ExitStack() as stack:
        at = [f"{stack.enter_context(serving(one.app))}/v1" for one in (minimax, other, well)]
        of_minimax = {"model": "minimax/MiniMax-M3", "api_base": at[0], "api_key": "k"}
        models = [
            {"model_name": "minimax", "litellm_params": of_minimax},
            openai_model("other", at[1]),
        ]
        for code in MINIMAX:  # none is asked twice: thoughts may be left to others after a failure
            models += [{"model_name": f"thoughts-{code}", "litellm_params": of_minimax}]
        for name in ("pair", "another pair"):
            params = {**of_minimax, "order": 1}
            models += [{"model_name": name, "litellm_params": params}]
            models += [openai_model(name, at[2], order=2)]
        env = {"VUI_LITELLM_HEDGE": "0"}
        folder = tmp_path_factory.mktemp("minimax")
        with gateway(folder, {"model_list": models}, env) as program:
            yield Providers(program, minimax, other, well)


@pytest.fixture
def providers(_providers: Providers) -> Providers:
    for one in (_providers.minimax, _providers.other, _providers.well):
        one.clear(text=TEXT)
    return _providers


@pytest.mark.parametrize("code", MINIMAX)
async def test_a_failure_of_minimax_is_said_and_no_silence(providers: Providers, code: int) -> None:
    sentence, name = MINIMAX[code]
    providers.minimax.clear(fault=code)
    heard, raised = await providers.reply("minimax")
    assert (heard, bool(raised)) == ([sentence], True)
    assert await providers.thoughts_fail(f"thoughts-{code}") == name
    assert "is not a list" not in providers.program.log


async def test_minimax_is_asked_no_more_often_than_it_failed(providers: Providers) -> None:
    providers.minimax.clear(fault=1002)
    assert await providers.reply("pair") == (REPLY, None)
    assert (len(providers.minimax.seen), len(providers.well.seen)) == (1, 1)
    what = "200 with an error in it, such as MiniMax's `base_resp`"
    record("faults", what, "the next one answers; alone: the sentence of its kind")


async def test_a_filter_in_mid_reply_is_a_break_and_the_next_one_goes_on(
    providers: Providers,
) -> None:
    providers.minimax.clear(text=TEXT, fault="error-frame", words=4)
    assert await providers.reply("another pair") == (REPLY, None)
    assert len(providers.well.seen) == 1
    providers.minimax.clear(text=TEXT, fault="error-frame", words=4)
    heard, raised = await providers.reply("minimax")
    assert heard[-1] == errors.FILTERED
    assert raised


async def test_an_answer_of_minimax_that_is_well_is_heard(providers: Providers) -> None:
    assert await providers.reply("minimax") == (REPLY, None)


# As others answer; the shapes one by one: tests/unit/test_error_objects.py.
OTHERS = {
    "error with a word as its code": (
        {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}},
        errors.PROVIDER_KEY,
    ),
    "error that is a string": ({"error": "Slow down: too many requests"}, errors.RATE_LIMITED),
    "detail": ({"detail": "Not authenticated"}, errors.PROVIDER_KEY),
    "message and code": ({"code": 1113, "message": "no resource package"}, errors.QUOTA),
    "object: error": (
        {"object": "error", "message": "The model `x` does not exist.", "code": 404},
        errors.PROVIDER_MODEL,
    ),
}


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("name", OTHERS)
async def test_an_error_in_place_of_an_answer_is_said(
    providers: Providers, name: str, events: bool
) -> None:
    error, sentence = OTHERS[name]
    text = json.dumps(error)
    providers.other.clear(Fails(200, f"data: {text}\n\ndata: [DONE]\n\n" if events else text))
    heard, raised = await providers.reply("other")
    assert (heard, bool(raised)) == ([sentence], True)


async def test_a_field_that_is_refused_with_a_200_is_left_out_at_once(
    providers: Providers,
) -> None:
    refused = {"object": "error", "message": "Unsupported parameter: 'stop'.", "code": 400}
    providers.other.clear(Fails(200, refused), text=TEXT)
    assert await providers.reply("other") == (REPLY, None)
    first, second = providers.other.seen
    assert "stop" in first.body
    assert "stop" not in second.body
