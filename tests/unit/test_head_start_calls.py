"""A head start through our backend: which call it is, who is told, and what a refusal does."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from tests.unit.test_backend import HELLO, answering, said, stream_of
from vui_litellm import LiteLLMBackend
from vui_litellm.stream import WHOLE_SENTENCES

HEADER = "x-vui-head-start"


def gateway(*pieces: str, ours: bool = True, refuses: bool = False, lost: bool = False) -> Callable:
    """Answers as our gateway, or as somebody else's."""

    def handle(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/completions"):
            return httpx.Response(202 if ours else 404, json={})
        if request.headers.get(HEADER) and refuses:
            error = {"message": "Not now.", "code": "head_start_refused"}
            return httpx.Response(425, json={"error": error})
        if request.headers.get(HEADER) and lost:
            raise httpx.ReadError("reset", request=request)
        reply = stream_of(*(pieces or ("It ", "is.")))
        reply.headers.update({WHOLE_SENTENCES: "1"} if ours else {})
        return reply

    return handle


async def started(backend: LiteLLMBackend, seconds: float = 0.02) -> None:
    backend._client_inst()
    backend.head_start.start(HELLO)
    await asyncio.sleep(seconds)


def hooked(backend: LiteLLMBackend) -> LiteLLMBackend:
    """With the hooks of a client that the backend makes by itself."""
    own, backend._client = backend._client, None
    hooks = backend._client_inst().event_hooks
    assert own is not None
    own.event_hooks = hooks
    backend._client = own
    return backend


@pytest.mark.parametrize("ours", [True, False])
async def test_a_used_one_is_the_turns_only_call_and_only_our_gateway_is_told(ours: bool) -> None:
    backend, seen = answering(gateway(ours=ours))
    await hooked(backend).prefill(HELLO)
    await started(backend)
    assert await said(backend) == "It is."
    await asyncio.sleep(0.02)
    _, head, *claims = seen
    assert json.loads(head.content)["messages"] == HELLO
    name = head.headers[HEADER]
    assert [json.loads(claim.content) for claim in claims] == ([{"name": name}] if ours else [])
    assert not any(HEADER in claim.headers for claim in claims)


async def test_a_gateway_that_was_away_at_vuis_start_is_told_of_the_first_one() -> None:
    backend, seen = answering(gateway())
    hooked(backend).head_start.start(HELLO)  # it has answered nothing yet
    assert await said(backend) == "It is."
    await asyncio.sleep(0.02)
    assert [call.url.path for call in seen] == ["/v1/chat/completions", "/v1/head-start"]


async def test_a_claim_whose_connection_breaks_is_sent_once_more() -> None:
    tries = 0

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        if request.url.path.endswith("/head-start"):
            tries += 1
            if tries == 1:
                raise httpx.ReadError("reset", request=request)
        return gateway()(request)

    backend, seen = answering(handle)
    await started(hooked(backend))
    assert await said(backend) == "It is."
    await asyncio.sleep(0.02)
    head, *claims = seen
    assert [json.loads(claim.content)["name"] for claim in claims] == [head.headers[HEADER]] * 2


@pytest.mark.parametrize("seconds", [0.02, 0.0], ids=["before vui asks", "while vui waits"])
@pytest.mark.parametrize("fault", ["refuses", "lost"])
async def test_one_that_is_refused_or_lost_costs_a_call_and_no_word(
    fault: str, seconds: float, capsys: pytest.CaptureFixture
) -> None:
    backend, seen = answering(gateway(**{fault: True}))
    await started(hooked(backend), seconds)
    assert await said(backend) == "It is."
    asked = [HEADER in call.headers for call in seen if call.url.path.endswith("completions")]
    assert asked == [True, False]
    assert not capsys.readouterr().out


async def test_what_a_used_one_reports_of_the_context_reaches_vui() -> None:
    usage = 'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}\n\n'
    backend, _ = answering(lambda _: stream_of("It is.", tail=usage))
    await started(backend)
    stats: dict = {}
    assert await said(backend, stats=stats) == "It is."
    assert stats["ctx_used"] == 7


@pytest.mark.parametrize("how", ["barge-in", "another model"])
async def test_a_barge_in_and_a_switch_of_model_end_one_that_nobody_has_taken(how: str) -> None:
    ended: list[bool] = []

    async def words() -> object:
        try:
            await asyncio.sleep(60)
            yield b""
        finally:
            ended.append(True)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": "m"}]})
        return httpx.Response(200, content=words(), headers={"content-type": "text/event-stream"})  # type: ignore[arg-type]

    backend, _ = answering(handle)
    await started(backend)
    if how == "barge-in":
        backend.barge_in()
    else:
        await backend.set_model("m")
    await asyncio.sleep(0.02)
    assert ended


async def test_a_barge_in_ends_one_that_is_being_heard() -> None:
    backend, _ = answering(gateway("One. ", "Two. "))
    await started(backend)
    heard = []
    async for token in backend.stream(HELLO):
        heard.append(token)
        backend.barge_in()
    assert heard == ["One. "]
