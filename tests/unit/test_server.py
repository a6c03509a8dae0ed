"""What we change in vui's server, on doubles of it; that vui has these parts: test_vui_seams.py."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from vui_litellm.patches import server as patched
from vui_litellm.patches.server import report_barge_in, report_dead_workers, use_recognizer
from vui_litellm.settings import SettingError


def test_a_worker_is_ready_only_while_it_lives() -> None:
    class StreamServer:
        tts_ready: bool
        asr_ready: bool

        def __init__(self) -> None:
            self.tts_ready = self.asr_ready = False
            self.tts_proc = self.asr_proc = None

    report_dead_workers(SimpleNamespace(StreamServer=StreamServer))
    one: Any = StreamServer()
    one.tts_ready = True
    assert not one.tts_ready, "it has no process yet"
    one.tts_proc = SimpleNamespace(is_alive=lambda: True)
    assert (one.tts_ready, one.asr_ready) == (True, False)
    one.tts_proc = SimpleNamespace(is_alive=lambda: False)
    assert not one.tts_ready


def test_a_barge_in_is_reported_when_it_is_marked_and_not_when_the_mark_goes() -> None:
    class SessionState:
        cancel_generation = False

    server, told = SimpleNamespace(SessionState=SessionState), []
    report_barge_in(server, lambda: told.append(True))
    session = server.SessionState()
    session.cancel_generation = False
    session.other = True
    assert told == []
    session.cancel_generation = True
    assert told == [True]
    assert session.cancel_generation is True


@pytest.mark.parametrize("model", ["moonshine", "fwhisper", "fwhisper.nosuch", ""])
def test_a_recognizer_that_vui_lacks_is_named_with_those_that_it_has(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ("fwhisper.turbo", "fwhisper.distil-small.en", "moonshine.base")
    worker = SimpleNamespace(ASR_MODELS=models)
    monkeypatch.setitem(sys.modules, "vui.serving.stream.asr_worker", worker)
    server = SimpleNamespace(asr_process=lambda *_: None, DEFAULT_ASR_MODEL="x")
    with pytest.raises(SettingError, match=f"VUI_ASR is '{model}'. Use one of fwhisper.turbo, fw"):
        use_recognizer(server, model)
    assert server.DEFAULT_ASR_MODEL == "x"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """vui's server with its prompts closed; `asked` is what reaches vui."""
    asked: list[Any] = []

    async def load(_: Any, request: Any) -> Any:
        asked.append((await request.json())["file"])
        return web.json_response({"ok": True})

    async def load_voice(_: Any, voice: Any) -> None:
        asked.append(voice)

    routes = SimpleNamespace(handle_load_prompt=load)
    inbound = SimpleNamespace(_load_voice=load_voice)
    monkeypatch.setitem(sys.modules, "vui.serving.stream.prompt_routes", routes)
    monkeypatch.setitem(
        sys.modules, "vui.serving.stream.realtime", SimpleNamespace(inbound=inbound)
    )
    monkeypatch.setitem(sys.modules, "vui.serving.stream.realtime.inbound", inbound)
    monkeypatch.setattr("vui.serving.stream.prompt_routes", routes, raising=False)
    found: Any = SimpleNamespace(
        _get_last_prompt=lambda: found.last, DEFAULT_VOICE="maeve", last="abe.pt",
        asked=asked, routes=routes, inbound=inbound,
    )  # fmt: skip
    patched.close_prompts(found)
    return found


OUTSIDE = [
    "../secret.pt", "/etc/passwd", "a/b.pt", "a\\b.pt", "C:x.pt", ".hidden", "*.pt", "[a].pt", "",
    "a\0.pt", "x" * 102, None, 7, ["a.pt"],
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
async def test_no_voice_is_named_outside_of_vuis_folder(server: Any, name: Any) -> None:
    async def body() -> Any:
        return {"file": name}

    answer = await server.routes.handle_load_prompt(None, SimpleNamespace(json=body))
    assert (answer.status, json.loads(answer.text)["error"]) == (400, "No such prompt")
    said: list[Any] = []

    async def send_error(*words: str) -> None:
        said.append(words)

    await server.inbound._load_voice(SimpleNamespace(send_error=send_error), name)
    assert said == [("voice_not_found", "No such voice")]
    server.last = name
    assert server._get_last_prompt() == "maeve"
    assert server.asked == []


@pytest.mark.parametrize("name", ["abe.pt", "Ann & Bob (2).pt", "日本.pt"])
async def test_a_voice_of_vuis_folder_is_vuis_to_load(server: Any, name: str) -> None:
    async def body() -> Any:
        return {"file": name}

    assert (await server.routes.handle_load_prompt(None, SimpleNamespace(json=body))).status == 200
    await server.inbound._load_voice(None, name)
    assert server.asked == [name, name]
    server.last = name
    assert server._get_last_prompt() == name
