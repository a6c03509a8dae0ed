"""The backend's own decisions, on a transport without sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from vui.serving.stream import llm_backend
from vui_gateway.api.schema import ChatRequest

from tests.matrix.conversations import STOPS
from tests.providers.base import serving as serving_on_a_socket
from tests.providers.openai import OpenAI
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import APOLOGY, GatewayError

ERROR_FRAME = 'data: {"error": {"message": "the model fell over"}}\n\n'
HELLO = [{"role": "user", "content": "Hello"}]


def answering(
    handler: Callable[[httpx.Request], httpx.Response], **options
) -> tuple[LiteLLMBackend, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return handler(request)

    backend = LiteLLMBackend(**{"api_key": "sk-k", **options})
    backend._client = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    return backend, seen


def stream_of(*pieces: str, done: bool = True, tail: str = "") -> httpx.Response:
    frames = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    body = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames) + tail
    body += "data: [DONE]\n\n" if done else ""

    async def arriving() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body.encode()[start : start + 7]

    return httpx.Response(200, content=arriving(), headers={"content-type": "text/event-stream"})


def serving(*names: str) -> httpx.Response:
    return httpx.Response(200, json={"data": [{"id": name} for name in names]})


async def said(backend: LiteLLMBackend, **options) -> str:
    return "".join([token async for token in backend.stream(HELLO, **options)])


async def test_a_call_sends_only_what_somebody_named() -> None:
    backend, seen = answering(lambda _: stream_of("hi"))
    await said(backend, stop=list(STOPS), max_tokens=2048)
    assert json.loads(seen[0].content) == {
        "model": "openai/gpt-4o-mini",
        "messages": HELLO,
        "stream": True,
        "max_tokens": 2048,
        "stop": list(STOPS),
        "stream_options": {"include_usage": True},
    }


async def test_named_knobs_are_sent_and_vllms_own_never() -> None:
    backend, seen = answering(
        lambda _: stream_of("hi"), sampling={"top_p": 0.9, "top_k": 3}, reasoning_effort="none"
    )
    await said(backend, temperature=0.0, presence_penalty=0.1, top_k=5)
    body = json.loads(seen[0].content)
    assert (body["temperature"], body["top_p"], body["presence_penalty"]) == (0.0, 0.9, 0.1)
    assert body["reasoning_effort"] == "none"
    assert not {"top_k", "chat_template_kwargs"} & set(body)


async def test_every_request_carries_the_key() -> None:
    backend, seen = answering(lambda r: serving("a") if r.method == "GET" else stream_of("hi"))
    await said(backend)
    await backend.health()
    await backend.list_models()
    assert [request.headers["authorization"] for request in seen] == ["Bearer sk-k"] * 3


async def test_prefill_names_the_model_and_not_a_word_of_the_conversation() -> None:
    backend, seen = answering(lambda _: httpx.Response(202))
    await backend.prefill([{"role": "system", "content": "soul"}])
    assert [str(request.url) for request in seen] == ["http://localhost:4000/v1/preconnect"]
    assert json.loads(seen[0].content) == {"model": "openai/gpt-4o-mini"}


async def test_prefill_reaches_a_server_at_home_with_a_users_turn_behind_the_prompt() -> None:
    backend, seen = answering(lambda _: httpx.Response(202, json={"local": True}))
    await backend.prefill([{"role": "system", "content": "soul"}])
    assert {request.url.path for request in seen} == {"/v1/preconnect"}
    first, second = (json.loads(request.content) for request in seen)
    assert "messages" not in first
    assert second["messages"][-1] == {"role": "user", "content": "."}
    await backend.prefill(HELLO)
    assert json.loads(seen[3].content)["messages"][-1]["content"] == HELLO[-1]["content"]


# LM Studio answers 200 to a route that it doesn't have.
@pytest.mark.parametrize("status", [200, 404, 405])
async def test_somebody_elses_server_is_asked_for_our_route_once_and_not_taken_for_ours(
    status: int,
) -> None:
    answer = {"error": "Unexpected endpoint or method. Returning 200 anyway"}
    backend, seen = answering(
        lambda r: stream_of("hi") if "chat" in r.url.path else httpx.Response(status, json=answer)
    )
    for _ in range(3):
        await backend.prefill(HELLO)
    assert len(seen) == 1
    backend.head_start.start(HELLO)
    assert await said(backend) == "hi"
    await asyncio.sleep(0.02)
    assert [call.url.path for call in seen[1:]] == ["/v1/chat/completions"]


async def test_prefill_is_silent_when_the_gateway_is_away() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    await answering(away)[0].prefill(HELLO)


async def test_the_connection_to_the_gateway_is_used_again() -> None:
    # vui stops reading at `[DONE]`, which would throw it away.
    stand_in = OpenAI()
    with serving_on_a_socket(stand_in.app) as url:
        backend = LiteLLMBackend("gpt-4.1-mini", url, api_key="k")
        for _ in range(3):
            await said(backend)
        await backend.aclose()
    assert len({seen.connection for seen in stand_in.seen}) == 1


@pytest.mark.parametrize("stop", STOPS)
async def test_each_of_vuis_stops_holds_when_it_arrives_split(stop: str) -> None:
    middle = len(stop) // 2
    backend, _ = answering(lambda _: stream_of("Yeah ", stop[:middle], stop[middle:], " never"))
    assert await said(backend, stop=list(STOPS)) == "Yeah "


async def test_a_false_start_of_a_stop_is_released() -> None:
    backend, _ = answering(lambda _: stream_of("Hold", " on", " to that.", " one se"))
    assert await said(backend, stop=list(STOPS)) == "Hold on to that. one se"


async def test_one_more_request_is_sent_to_the_gateway_itself() -> None:
    for url in ("http://gateway:4000", "http://gateway:4000/v1", "http://gateway:4000/v1/"):
        backend, seen = answering(lambda _: serving("a"), base_url=url)
        await backend.request("GET", "/model/info")
        assert str(seen[0].url) == "http://gateway:4000/model/info"
        assert seen[0].headers["authorization"] == "Bearer sk-k"


async def test_health_is_true_only_when_the_key_is_taken() -> None:
    assert await answering(lambda _: serving("a"))[0].health()
    for status in (401, 403, 404, 500):
        refused = httpx.Response(status, json={})
        assert not await answering(lambda _, answer=refused: answer)[0].health()  # type: ignore[misc]

    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert not await answering(away)[0].health()


async def test_the_model_is_switched_only_to_one_that_is_served() -> None:
    backend, _ = answering(lambda _: serving("a", "b"))
    await backend.set_model("b")
    assert backend.model == "b"
    with pytest.raises(ValueError, match="'c' is not served: .* a, b"):
        await backend.set_model("c")
    assert backend.model == "b"


async def test_a_gateway_that_is_away_keeps_the_model() -> None:
    backend, _ = answering(lambda _: httpx.Response(502))
    with pytest.raises(ValueError, match="doesn't answer"):
        await backend.set_model("b")
    assert backend.model == "openai/gpt-4o-mini"


async def test_the_context_gauge_moves() -> None:
    usage = 'data: {"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 10}}\n\n'
    backend, _ = answering(lambda _: stream_of("hi", tail=usage))
    stats: dict = {}
    await said(backend, stats=stats)
    assert (stats["ctx_used"], stats["ctx_max"]) == (100, 8192)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500, json={"error": {"message": "the model fell over"}}),
        stream_of("Your calendar", done=False, tail=ERROR_FRAME),
    ],
)
async def test_a_failed_reply_raises_with_the_gateways_own_message(
    response: httpx.Response,
) -> None:
    backend, _ = answering(lambda _: response, speak_errors=False)
    with pytest.raises(GatewayError, match="the model fell over"):
        await said(backend)


async def test_a_frame_that_names_no_error_is_none() -> None:
    frame = 'data: {"choices": [{"delta": {"content": " Yes."}}], "error": null}\n\n'
    ends = "data: [DONE]\n\n"
    backend, _ = answering(lambda _: stream_of("Hi.", done=False, tail=frame + ends))
    assert "".join(await said(backend)) == "Hi. Yes."


async def test_a_stream_without_its_end_raises() -> None:
    backend, _ = answering(lambda _: stream_of("Your calendar", done=False), speak_errors=False)
    with pytest.raises(GatewayError, match="cut off"):
        await said(backend)


async def test_a_failed_reply_ends_with_a_spoken_sentence() -> None:
    backend, _ = answering(lambda _: stream_of("Your calendar", done=False))
    heard = []
    with pytest.raises(GatewayError):
        async for token in backend.stream(HELLO):
            heard.append(token)
    assert "".join(heard) == f"Your calendar. {APOLOGY} ."


async def test_our_own_sentence_is_never_sent_to_the_model() -> None:
    backend, seen = answering(lambda _: stream_of("hi"))
    history = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": f"Your calendar. {APOLOGY}"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": APOLOGY},
        {"role": "user", "content": "c"},
    ]
    _ = [token async for token in backend.stream(history)]
    contents = [message["content"] for message in json.loads(seen[0].content)["messages"]]
    assert contents == ["a", "Your calendar.", "b", "c"]


async def test_half_a_character_in_the_history_does_not_end_the_talk() -> None:
    backend, seen = answering(lambda _: stream_of("hi"))
    history = [
        {"role": "assistant", "content": "One \ud83d."},
        {"role": "user", "content": "b\ude00 é"},
    ]
    _ = [token async for token in backend.stream(history)]
    contents = [message["content"] for message in json.loads(seen[0].content)["messages"]]
    assert contents == ["One .", "b é"]


async def test_a_new_key_of_the_gateways_is_taken_at_the_first_refusal() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != "Bearer sk-new":
            return httpx.Response(401, json={"error": {"message": "The key is wrong."}})
        return serving("a") if request.method == "GET" else stream_of("hi")

    backend, seen = answering(answer, read_key=lambda: "sk-new")
    assert await said(backend) == "hi"
    assert len(seen) == 2
    backend, seen = answering(answer, read_key=lambda: "sk-new")
    assert await backend.health()
    backend, seen = answering(answer, read_key=lambda: "sk-k", speak_errors=False)
    with pytest.raises(GatewayError, match="key is wrong"):
        await said(backend)
    assert len(seen) == 1


async def test_the_time_that_vui_keeps_with_a_turn_is_not_sent() -> None:
    backend, seen = answering(lambda _: httpx.Response(200, json={"choices": []}))
    await backend.complete([{"role": "user", "content": "a", "ts": 1.5}])
    assert json.loads(seen[0].content)["messages"] == [{"role": "user", "content": "a"}]


@pytest.mark.parametrize("turns", [1, 125, 126, 150, 2000])
async def test_a_conversation_of_a_whole_day_is_one_that_the_gateway_takes(turns: int) -> None:
    backend, seen = answering(lambda _: httpx.Response(200, json={"choices": [{"message": {}}]}))
    talk = [{"role": r, "content": f"{r} {n}"} for n in range(turns) for r in ("user", "assistant")]
    system, ask = {"role": "system", "content": "Be."}, {"role": "user", "content": "[evaluate]"}
    await backend.complete([system, *talk, system, ask])
    sent = ChatRequest.read(seen[0].content).model_dump(exclude_none=True)["messages"]
    assert (sent[0], sent[-2:]) == (system, [system, ask])
    kept = sent[1:-2]
    assert kept == talk[len(talk) - len(kept) :]
    assert kept[0]["role"] == "user"
    assert len(kept) >= min(len(talk), 190)


async def test_the_oldest_turns_go_by_the_fifty_and_what_is_left_begins_alike() -> None:
    backend, seen = answering(lambda _: httpx.Response(200, json={"choices": [{"message": {}}]}))
    talk = [{"role": r, "content": f"{r} {n}"} for n in range(300) for r in ("user", "assistant")]
    for turn in range(130, 300):
        await backend.complete(talk[: 2 * turn])
    firsts = [json.loads(request.content)["messages"][0]["content"] for request in seen]
    assert len(set(firsts)) == 7


async def test_a_renewed_key_is_sent_from_then_on() -> None:
    wrong = httpx.Response(401, json={"error": {"code": "invalid_key", "message": "wrong"}})

    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["authorization"])
        return stream_of("hi") if keys[-1] == "Bearer sk-new" else wrong

    backend, _ = answering(answer, read_key=lambda: "sk-new")
    for _ in range(2):
        assert await said(backend) == "hi"
    assert keys == ["Bearer sk-k", "Bearer sk-new", "Bearer sk-new"]


def test_nothing_of_vuis_client_is_written_again() -> None:
    assert not set(vars(LiteLLMBackend)) & {"list_models", "_served"}


async def test_what_is_answered_is_what_vuis_own_client_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def stream(*_: object, **__: object) -> AsyncIterator[str]:
        yield "vui's own"

    async def complete(*_: object, **__: object) -> dict:
        return {"content": "vui's own"}

    monkeypatch.setattr(llm_backend.OpenAICompatBackend, "stream", stream)
    monkeypatch.setattr(llm_backend.OpenAICompatBackend, "complete", complete)
    backend, _ = answering(lambda _: stream_of("hi"))
    assert await said(backend) == (await backend.complete(HELLO))["content"] == "vui's own"


async def test_what_our_gateway_couldnt_mend_is_not_sent_again() -> None:
    words = "Unsupported parameter: 'stop' is not supported with this model."

    def refusing(code: str) -> tuple[LiteLLMBackend, list[httpx.Request]]:
        error = {"message": words, "code": code, "param": None}
        return answering(lambda _: httpx.Response(400, json={"error": error}), speak_errors=False)

    for code, requests in (("provider_refused_request", 1), ("400", 2)):
        backend, seen = refusing(code)
        with pytest.raises(GatewayError):
            await said(backend, stop=list(STOPS))
        assert len(seen) == requests, code
