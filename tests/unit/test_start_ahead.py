"""When the end of speech lets our backend start ahead: a stand-in with vui's own functions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from vui.serving.stream import llm_backend, voice_turn
from vui.serving.stream._log import _spawn_response
from vui.serving.stream.llm import llm_stream_chunks
from vui.serving.stream.prompts import build_memory_context

from tests.support.clock import run_virtual
from tests.unit.test_head_start import Provider
from vui_litellm import LiteLLMBackend
from vui_litellm.head_start import HeadStart
from vui_litellm.patches.head_start import start_ahead

COMMITTED = 0.82  # seconds after speech that ends without a full stop
HISTORY = [
    {"role": "user", "content": "Hi.", "ts": 1.0},
    {"role": "assistant", "content": "Hello.", "ts": 2.0},
]


class Page:
    """The connection to vui's page."""

    closed = False

    async def send_json(self, _: Any) -> None:
        if self.closed:
            raise ConnectionResetError("Cannot write to closing transport")


class Server:
    """vui's server at the end of speech: it commits, and its answer says nothing."""

    def __init__(self, text: str = "Is it raining?") -> None:
        self.session = SimpleNamespace(
            settings={}, recording_sink=None, ws=Page(), ready=True, soul="You are a voice.",
            conversation=list(HISTORY), assistant_name="Vui",
        )  # fmt: skip
        self._memories: list[str] = []
        self._turn_t: dict = {}
        self._codes_final_event = asyncio.Event()
        self._phase_transcript, self._committed_text = text, ""
        self._listen_mode = self._floor_held = self._prefill_inflight = False
        self._response_tasks: set[asyncio.Task] = set()
        self._ready_blockers: set[str] = set()


class Head:
    """What our backend's head start is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.options: dict = {}
        self.answer: asyncio.Task | None = None

    @property
    def texts(self) -> list[str]:
        return [one and one[-1]["content"] for one in self.asked]

    def start(self, messages: list[dict], **options: Any) -> None:
        self.asked.append(messages)
        self.options = options

    def cancel(self) -> None:
        self.asked.append(None)

    def end_unasked(self, answer: asyncio.Task | None) -> None:
        self.answer = answer
        if not answer:
            self.cancel()


async def answer_nothing(*_: Any) -> None:
    await asyncio.sleep(0.3)


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Head:
    backend, head = LiteLLMBackend(), Head()
    backend.head_start = head  # type: ignore[assignment]
    monkeypatch.setattr(llm_backend, "_BACKEND", backend)
    monkeypatch.setattr(voice_turn, "_voice_respond_body", answer_nothing)
    return head


def own_class() -> Any:
    kind = type("StreamServer", (Server,), {})
    voice_turn.bind(kind)
    start_ahead(SimpleNamespace(StreamServer=kind))
    return kind


def turn(kind: Any, change: Any = None, seconds: float = 2.0, **fields: Any) -> Any:
    """The end of a turn; `change` happens 50 ms after it."""

    async def run() -> Any:
        srv = kind(**({"text": fields.pop("text")} if "text" in fields else {}))
        srv._codes_final_event.set()
        for name, value in fields.items():
            setattr(srv.session if hasattr(srv.session, name) else srv, name, value)
        committing = asyncio.create_task(srv._tiered_commit(seconds))
        await asyncio.sleep(0.05)
        if change:
            change(srv, committing)
        await asyncio.gather(committing, return_exceptions=True)
        await asyncio.sleep(1)
        return srv

    return run_virtual(run())


def test_it_starts_at_the_end_of_speech_with_the_call_that_vui_will_make(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    srv = turn(own_class())
    assert srv.session.conversation[-1]["content"] == "Is it raining?"
    assert head.texts == ["Is it raining?"]
    vuis: dict = {}

    async def stream(messages: list[dict], **options: Any) -> Any:
        vuis.update(options, messages=messages)
        return
        yield

    async def ask() -> None:
        chunker: Any = getattr(llm_stream_chunks, "__wrapped__", llm_stream_chunks)
        monkeypatch.setitem(
            chunker.__globals__, "get_backend", lambda: SimpleNamespace(stream=stream)
        )
        async for _ in chunker(voice_turn.recent_conversation(srv), srv.session.soul, stats={}):
            pass

    run_virtual(ask())
    del vuis["stats"]
    assert vuis == {"messages": head.asked[0], **head.options}


def test_memories_are_told_as_vui_tells_them(head: Head) -> None:
    srv = turn(own_class(), _memories=["Called Ada"])
    assert "Called Ada" in (told := build_memory_context(srv))
    assert head.asked[0][0]["content"] == f"You are a voice.\n\n{told}"


def test_what_was_committed_before_is_left_out(head: Head) -> None:
    turn(own_class(), text="Is it raining? And in Rome?", _committed_text="Is it raining?")
    assert head.texts == ["And in Rome?"]


def test_it_starts_anew_when_the_transcript_changes_while_vui_waits(head: Head) -> None:
    def more(srv: Any, _: Any) -> None:
        srv._phase_transcript += " In Rome?"

    turn(own_class(), more)
    assert head.texts == ["Is it raining?", "Is it raining? In Rome?"]


def test_a_user_who_speaks_on_ends_it(head: Head) -> None:
    turn(own_class(), lambda _, committing: committing.cancel())
    assert head.texts == ["Is it raining?", None]


def test_vuis_answer_to_the_turn_decides_whether_it_is_asked_for(head: Head) -> None:
    turn(own_class())
    assert head.answer
    assert head.answer.get_name() == "voice_respond"


def test_another_answer_that_begins_meanwhile_decides_nothing(head: Head) -> None:
    def relay(srv: Any, _: Any) -> None:
        _spawn_response(srv, asyncio.sleep(9), "deliver_task_results")
        srv.session.ws.closed = True

    turn(own_class(), relay)
    assert head.texts == ["Is it raining?", None]


def close_page(srv: Any, _: Any) -> None:
    srv.session.ws.closed = True


def not_ready(srv: Any, _: Any) -> None:
    srv.session.ready = False


@pytest.mark.parametrize("change", [close_page, not_ready])
def test_one_that_vui_will_not_ask_for_ends_when_the_turn_is_committed(
    monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    backend, provider = LiteLLMBackend(), Provider(pace=9)
    backend.head_start = HeadStart(provider.ask)
    monkeypatch.setattr(llm_backend, "_BACKEND", backend)
    turn(own_class(), change, text="Is it raining")
    assert provider.asked == ["Is it raining"]
    assert provider.closed[0] < COMMITTED + 0.01


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "Well, uh"},
        {"text": "Vui, uh", "_listen_mode": True},
        {"text": "Please shut up."},
        {"seconds": 10.1},
        {"_floor_held": True},
        {"_listen_mode": True},
        {"ready": False},
        {"ws": None},
    ],
    ids=[
        "silence",
        "a filler",
        "a filler to its name",
        "shut up",
        "a long turn",
        "floor",
        "listen mode",
        "not ready",
        "no page",
    ],
)
def test_it_does_not_start_where_vui_would_not_answer(head: Head, fields: dict) -> None:
    turn(own_class(), **fields)
    assert not any(head.asked)


def test_in_listen_mode_the_wake_word_starts_it_and_is_taken_out(head: Head) -> None:
    srv = turn(own_class(), text="Vui, is it raining?", _listen_mode=True)
    assert head.texts == ["is it raining?"]
    assert srv._listen_mode, "vui leaves it by itself"


@pytest.mark.parametrize(
    ("setting", "box", "starts"), [(True, False, 1), (False, False, 0), (False, True, 1)]
)
def test_the_setting_or_vuis_box_lets_it_start(
    head: Head, setting: bool, box: bool, starts: int
) -> None:
    backend: Any = llm_backend.get_backend()
    backend.starts_ahead = setting
    turn(own_class(), settings={"speculative_reply": box})
    assert len(head.asked) == starts


class Foreign(llm_backend.LLMBackend):
    """A backend that isn't ours."""

    def __init__(self) -> None:
        super().__init__("m", "http://gateway")
        self.calls: list[str] = []

    async def prefill(self, messages: list[dict]) -> None:
        self.calls.append("prefill")

    async def stream(self, messages: list[dict], **_: Any) -> Any:
        self.calls.append("stream")
        yield "Yes."


@pytest.mark.parametrize("box", [False, True])
def test_with_another_backend_vui_is_unchanged(
    head: Head, monkeypatch: pytest.MonkeyPatch, box: bool
) -> None:
    foreign = Foreign()
    monkeypatch.setattr(llm_backend, "_BACKEND", foreign)
    kind = own_class()
    srv = turn(kind, settings={"speculative_reply": box})
    assert srv.session.conversation[-1]["content"] == "Is it raining?"
    assert (foreign.calls, head.asked) == ([], [])

    async def partial() -> None:
        srv._spec_task = None
        await srv._llm_speculative_prefill("Is it")
        await asyncio.sleep(0.1)

    run_virtual(partial())
    assert foreign.calls == ["stream" if box else "prefill"]


def test_vuis_box_sends_no_reply_for_a_partial_transcript(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def prefill(messages: list[dict]) -> None:
        asked.append(messages[-1]["content"])

    monkeypatch.setattr(llm_backend.get_backend(), "prefill", prefill)
    srv = turn(own_class(), settings={"speculative_reply": True})
    partial: Coroutine = srv._llm_speculative_prefill("Is it")
    run_virtual(partial)
    assert (asked, head.texts) == (["Is it"], ["Is it raining?"])
    assert not hasattr(srv, "_spec_task")


@pytest.mark.parametrize("box", [False, True])
def test_one_prompt_at_a_time_is_prepared_for_partial_transcripts(
    head: Head, monkeypatch: pytest.MonkeyPatch, box: bool
) -> None:
    asked: list[str] = []

    async def prefill(messages: list[dict]) -> None:
        asked.append(messages[-1]["content"])
        await asyncio.sleep(1)

    monkeypatch.setattr(llm_backend.get_backend(), "prefill", prefill)

    async def speak() -> None:
        srv = own_class()()
        srv.session.settings = {"speculative_reply": box}
        partials = ("Is it", "Is it raining", "Is it raining in")
        await asyncio.gather(*map(srv._llm_speculative_prefill, partials))
        await srv._llm_speculative_prefill("Is it raining in Rome?")

    run_virtual(speak())
    assert asked == ["Is it", "Is it raining in Rome?"]
