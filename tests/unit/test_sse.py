"""A reply as OpenAI's events: each ends where a client may cut, and an error is one, too."""

from __future__ import annotations

import json
from typing import Any

from vui_gateway.api.sse import EventStream
from vui_gateway.turns.call import Call, Event


class Client:
    """What a client gets."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        call = Call("vui", began=0.0)
        scope: Any = {"type": "http"}
        self.stream = EventStream(call, scope, self._nothing, self._take)

    async def _nothing(self) -> Any:
        raise AssertionError("the request was read before")

    async def _take(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def frames(self) -> list[str]:
        text = b"".join(message.get("body", b"") for message in self.messages).decode()
        assert text.endswith("\n\n")
        return text[:-2].split("\n\n")

    @property
    def data(self) -> list[dict]:
        return [json.loads(frame[6:]) for frame in self.frames if frame.startswith("data: {")]


async def test_a_reply_is_its_pieces_its_usage_and_done() -> None:
    client = Client()
    await client.stream.send(Event("One. "))
    await client.stream.send(Event("Two."))
    await client.stream.send(Event(finish_reason="stop", usage={"total_tokens": 9}))
    await client.stream.end()
    first, second, end, usage = client.data
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "One. "}
    assert second["choices"][0]["delta"] == {"content": "Two."}
    assert (end["choices"][0]["delta"], end["choices"][0]["finish_reason"]) == ({}, "stop")
    assert (usage["choices"], usage["usage"]) == ([], {"total_tokens": 9})
    assert client.frames[-1] == "data: [DONE]"
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in client.data}) == 1
    head, *_, last = client.messages
    assert (b"x-vui-whole-sentences", b"1") in head["headers"]
    assert not last["more_body"]


async def test_the_end_is_sent_once_it_is_certain() -> None:
    client = Client()
    await client.stream.send(Event("One."))
    before = len(client.messages)
    await client.stream.send(Event(finish_reason="stop"))
    assert len(client.messages) == before
    await client.stream.fail("The model broke off.", "no_answer", 502)
    assert client.data[-1]["error"]["code"] == "no_answer"
    assert "finish_reason" not in str(client.data[-1])
    assert "data: [DONE]" not in client.frames


async def test_a_sign_of_life_is_a_comment_and_no_beginning_of_the_reply() -> None:
    client = Client()
    await client.stream.send(None)
    assert client.frames == [": waiting"]
    await client.stream.fail("Nobody answers.", "no_answer", 502)
    assert [message["type"] for message in client.messages].count("http.response.start") == 1
    assert client.data[0]["error"]["message"] == "Nobody answers."


async def test_an_error_before_a_word_is_a_response_with_its_status() -> None:
    client = Client()
    await client.stream.fail("Wrong key.", "provider_key_refused", 401, param="X_API_KEY")
    assert client.messages[0]["status"] == 401
    error = json.loads(client.messages[1]["body"])["error"]
    assert (error["code"], error["param"]) == ("provider_key_refused", "X_API_KEY")


async def test_a_filler_is_marked_as_no_word_of_the_reply() -> None:
    client = Client()
    await client.stream.send(Event("Hmm. ", filler=True))
    await client.stream.send(Event("Yes."))
    assert [chunk.get("vui_filler") for chunk in client.data] == [True, None]


async def test_fragments_of_tool_calls_are_one_piece_each_with_a_clean_name() -> None:
    client = Client()
    fragments = [
        {"index": 0, "id": "a", "function": {"name": "functions.get_time", "arguments": '{"zo'}},
        {"index": 1, "id": "b", "function": {"name": "no_action", "arguments": "{}"}},
        {"index": 0, "function": {"name": None, "arguments": 'ne": "UTC"}'}},
    ]
    await client.stream.send(Event(tool_calls=fragments))
    calls = client.data[0]["choices"][0]["delta"]["tool_calls"]
    assert [(call["index"], call["id"], call["function"]) for call in calls] == [
        (0, "a", {"name": "get_time", "arguments": '{"zone": "UTC"}'}),
        (1, "b", {"name": "no_action", "arguments": "{}"}),
    ]


async def test_calls_without_an_index_are_calls_of_their_own() -> None:
    client = Client()
    made = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    await client.stream.send(Event(tool_calls=made))
    calls = client.data[0]["choices"][0]["delta"]["tool_calls"]
    assert [(call["index"], call["function"]["name"]) for call in calls] == [(0, "a"), (1, "b")]


async def test_calls_that_share_an_index_are_as_many_as_their_ids() -> None:
    client = Client()
    calls = [
        {"index": 0, "id": "1", "function": {"name": "weather", "arguments": '{"x"'}},
        {"index": 0, "id": "1", "function": {"arguments": ":1}"}},
        {"index": 0, "id": "2", "function": {"name": "time", "arguments": "{}"}},
    ]
    await client.stream.send(Event(tool_calls=calls))
    first, second = client.data[0]["choices"][0]["delta"]["tool_calls"]
    assert (first["index"], first["id"], first["function"]["arguments"]) == (0, "1", '{"x":1}')
    assert (second["index"], second["id"], second["function"]["name"]) == (1, "2", "time")


async def test_fragments_with_an_id_of_their_own_are_one_call() -> None:
    client = Client()
    calls = [
        {"index": 0, "id": "a", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "id": "b", "function": {"arguments": '{"x"'}},
        {"index": 0, "id": "c", "function": {"arguments": ":1}"}},
    ]
    await client.stream.send(Event(tool_calls=calls))
    (call,) = client.data[0]["choices"][0]["delta"]["tool_calls"]
    assert (call["id"], call["function"]["arguments"]) == ("a", '{"x":1}')
