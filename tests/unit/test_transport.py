"""An attempt's call through LiteLLM's router: what its answer becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import litellm
import pytest
from litellm.proxy import proxy_server
from litellm.types.utils import Delta, ModelResponse, ModelResponseStream, StreamingChoices, Usage
from vui_gateway.errors import Code, Ending
from vui_gateway.litellm_proxy import transport
from vui_gateway.litellm_proxy.servers import Servers
from vui_gateway.litellm_proxy.transport import UNDER_WAY, Transport, answered
from vui_gateway.turns.call import Attempt, AttemptError, Event
from vui_gateway.turns.deployment import Deployment

MESSAGES = [{"role": "user", "content": "Hi"}]


def chunk(text: str | None = None, finish: str | None = None, **delta: Any) -> Any:
    choice = StreamingChoices(finish_reason=finish, delta=Delta(content=text, **delta), index=0)
    return ModelResponseStream(id="1", model="m", choices=[choice])


class Stream:
    """LiteLLM's stream of these chunks; an exception among them ends it."""

    def __init__(self, *steps: Any) -> None:
        self.steps, self.closed, self.logging_obj = steps, False, None

    async def __aiter__(self) -> AsyncIterator[Any]:
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step

    async def aclose(self) -> None:
        self.closed = True


class Router:
    """LiteLLM's router with these answers, one after the other; it changes what it is sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = [*answers], []  # type: ignore[var-annotated]

    async def acompletion(self, **request: Any) -> Any:
        self.asked.append({**request, "messages": [*request["messages"]]})
        request["messages"].append("LiteLLM's own")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def billed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Streams that LiteLLM was asked to bill for what had arrived."""
    found: list[Any] = []

    async def bill(_: dict, stream: Any) -> None:
        found.append(stream)

    monkeypatch.setattr(transport, "_bill_partial_streamed_spend_on_disconnect", bill)
    return found


class Asked:
    """One attempt at a router."""

    def __init__(self, router: Router, monkeypatch: pytest.MonkeyPatch, again: int = 0) -> None:
        monkeypatch.setattr(proxy_server, "llm_router", router)
        self.attempt = Attempt(Deployment("a", "openai/a"), {})
        self.body: dict[str, Any] = {"messages": [*MESSAGES], "stream": True}
        self.times = again

        def once_more(*_: Any) -> bool:
            self.times -= 1
            return self.times >= 0

        taken_back: Any = SimpleNamespace(again=once_more, settle=lambda _: None)
        self.transport = Transport({}, lambda _: None, Servers(), taken_back)

    async def events(self) -> list[Event]:
        return [e async for e in self.transport.open("a", self.body, self.attempt)]


async def test_a_stream_becomes_events_and_its_characters_are_counted(
    monkeypatch: pytest.MonkeyPatch, billed: list
) -> None:
    end = chunk(finish="stop")
    end.usage = Usage(prompt_tokens=9, completion_tokens=2, total_tokens=11)
    stream = Stream(chunk(reasoning_content="Hm."), chunk("It "), chunk("rains."), end)
    asked = Asked(router := Router(stream), monkeypatch)
    thought, *said, last = await asked.events()
    assert (thought.text, thought.reasoning) == ("", 3)
    assert [event.text for event in said] == ["It ", "rains."]
    assert (last.finish_reason, (last.usage or {})["total_tokens"]) == ("stop", 11)
    assert asked.attempt.received == len("Hm.It rains.")
    (request,) = router.asked
    assert (request["model"], request["disable_fallbacks"], request["num_retries"]) == (
        "a",
        True,
        0,
    )
    assert asked.body["messages"] == MESSAGES, "another attempt may be sent the same body"
    assert stream.closed
    assert not billed


async def test_a_reply_that_nobody_hears_to_its_end_is_closed_and_billed(
    monkeypatch: pytest.MonkeyPatch, billed: list
) -> None:
    stream = Stream(chunk("It "), chunk("rains."))
    asked = Asked(Router(stream), monkeypatch)
    events = asked.transport.open("a", asked.body, asked.attempt)
    assert (await anext(events)).text == "It "
    await events.aclose()
    await asyncio.sleep(0)
    assert stream.closed
    assert billed == [stream]


async def test_a_refused_field_is_asked_for_once_more_with_the_request_as_it_was(
    monkeypatch: pytest.MonkeyPatch, billed: list
) -> None:
    refused = litellm.BadRequestError("Unsupported parameter: 'stop'", "a", "openai")
    late = Stream(refused)  # LiteLLM asks some providers at the first chunk
    router = Router(refused, late, Stream(chunk("Yes."), chunk(finish="stop")))
    asked = Asked(router, monkeypatch, again=2)
    assert [event.text for event in await asked.events()] == ["Yes.", ""]
    assert [request["messages"] for request in router.asked] == [MESSAGES] * 3
    assert late.closed


async def test_a_failure_is_the_attempts_with_its_code_and_no_bill_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, billed: list
) -> None:
    error = litellm.AuthenticationError("wrong key", "openai", "a")
    asked = Asked(Router(error), monkeypatch)
    with pytest.raises(AttemptError) as failed:
        await asked.events()
    assert failed.value.code == Code.PROVIDER_KEY_REFUSED
    assert asked.attempt.billed.is_set()


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"content": "Yes."}, Event(answer={})),
        ({"content": None, "reasoning_content": "Hm."}, Event(reasoning=3, finish_reason="stop")),
        ({"content": None}, Event(finish_reason="stop")),
    ],
)
async def test_a_whole_answer_without_a_word_is_told_apart(
    message: dict, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ModelResponse(choices=[{"message": message, "finish_reason": "stop", "index": 0}])
    asked = Asked(Router(whole), monkeypatch)
    asked.body["stream"] = False
    (found,) = await asked.events()
    assert (found.reasoning, found.finish_reason, bool(found.answer)) == (
        event.reasoning, event.finish_reason, event.answer is not None,
    )  # fmt: skip


async def test_an_end_that_breaks_off_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(Router(Stream(chunk("It "), chunk(finish="content_filter"))), monkeypatch)
    *_, last = await asked.events()
    assert last.finish_reason is None
    assert last.broken
    assert last.broken.ended == Ending.FILTERED


@pytest.mark.parametrize(
    ("status", "kind", "whole"),
    [
        (200, "application/json", True), (200, "text/event-stream", False),
        (200, "application/x-ndjson", False), (200, "application/vnd.amazon.eventstream", False),
        (500, "application/json", False), (200, "", True),
    ],
)  # fmt: skip
async def test_a_whole_answer_is_billed_also_one_that_litellm_cannot_read(
    status: int, kind: str, whole: bool
) -> None:
    UNDER_WAY.set(attempt := Attempt(Deployment("a", "openai/a"), {}))
    headers = {"content-type": kind, "x-ratelimit-limit-tokens": "8000"}
    answered(httpx.Response(status, headers=headers), streamed=not whole)
    assert (attempt.answered, attempt.tokens_a_minute) == (whole, 8000)
