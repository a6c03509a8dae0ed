"""What we patch in vui or use of what it keeps private, one fact each: they fail on a vui that
changed it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from vui.serving.stream import frontend, llm_backend, prompts
from vui.serving.stream.llm import llm_stream_chunks

from tests.unit.test_backend import answering, stream_of
from vui_litellm.patches import prompts as our_prompts
from vui_litellm.patches import server as our_server
from vui_litellm.patches import speech
from vui_litellm.tools.chat import ErrorFilter
from vui_litellm.tools.thoughts import ThoughtsHost

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests patch in vui is as before after each."""
    monkeypatch.setattr(llm_backend, "make_backend", llm_backend.make_backend)
    monkeypatch.setattr(llm_backend, "_BACKEND", None)
    monkeypatch.setattr(frontend, "VISUALIZER_JS", frontend.VISUALIZER_JS)


def python(program: str, folder: Path) -> str:
    """What a program of its own prints."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=folder, env=env, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


# ---- the backend


def test_vui_asks_make_backend_for_its_backend_by_that_name() -> None:
    made = llm_backend.LLMBackend("m", "http://gateway")
    our_server.install_factory(lambda: made)
    assert llm_backend.get_backend() is made


def test_vui_uses_the_backend_that_it_was_given() -> None:
    given = llm_backend.LLMBackend("m", "http://gateway")
    llm_backend.set_backend(given)
    assert llm_backend.get_backend() is given


@pytest.mark.parametrize(
    "name", ["_body", "_client_inst", "_client_stops", "_drop_extras", "_record_stats"]
)
def test_vuis_client_calls_what_our_backend_overrides(name: str) -> None:
    for method in (llm_backend.VLLMBackend.stream, llm_backend.VLLMBackend.complete):
        assert name in method.__code__.co_names


@pytest.mark.parametrize("name", ["set_model", "list_models"])
def test_vui_finds_the_served_models_where_our_backend_does(name: str) -> None:
    assert "_served" in getattr(llm_backend.VLLMBackend, name).__code__.co_names


def test_vuis_client_keeps_the_address_and_the_key_where_our_backend_reads_them() -> None:
    backend = llm_backend.VLLMBackend("m", "http://gateway:4000/", api_key="sk-k", extras=False)
    assert backend._root == "http://gateway:4000/v1"
    assert backend._headers == {"Authorization": "Bearer sk-k"}


async def test_vui_cuts_a_reply_into_sentences_and_marks_the_last() -> None:
    llm_backend.set_backend(answering(lambda _: stream_of("One. Two. Three"))[0])
    chunks = [chunk async for chunk in llm_stream_chunks([{"role": "user", "content": "a"}])]
    assert chunks == [("One.", False), ("Two.", False), ("Three.", True)]


# ---- the server and the page

SERVER = """
import vui.serving.stream, json, inspect, sys
from tests.support.speechless import stand_in
stand_in()
from vui.serving.stream import server
from types import SimpleNamespace
from vui_litellm.patches.server import CannotGuard, guard_server, report_barge_in
from vui_litellm.patches.server import show_replies_as_text, use_recognizer
from vui_litellm.patches.speech import speak_sooner

def fails(**members):
    unknown = SimpleNamespace(**{**vars(server), **members})
    try:
        guard_server(unknown, lan=False)
    except CannotGuard as error:
        return str(error)

async def nothing(self): ...
unguarded = [
    fails(StreamServer=SimpleNamespace(run=nothing)), fails(StreamServer=None), fails(web=None)
]
guard_server(server, lan=False)
app = server.web.Application()
show_replies_as_text(server)
speak_sooner()
name = "llm_stream_chunks"
told = []
report_barge_in(server, lambda: told.append(True))
import pickle
from vui.serving.stream import asr_worker
asr_worker.make_backend = lambda name, **options: sys.exit(f"{name} {options['model']}")
server.asr_process = asr_worker.asr_process  # the stand-in's is in its place
use_recognizer(server, "fwhisper.turbo")
try:
    pickle.loads(pickle.dumps(server.asr_process))(None, None, None, 5)
except SystemExit as error:
    recognizer = str(error)
session = server.SessionState()
before = len(told)
session.cancel_generation = False
session.cancel_generation = True
print(json.dumps({
    "told": [before, len(told)],
    "recognizer": recognizer,
    "state": [name for name in ("tts_ready", "asr_ready", "tts_proc", "asr_proc")
              if name in server.StreamServer.__init__.__code__.co_names],
    "kept": session.cancel_generation,
    "by_name": "SessionState" in server.StreamServer.__init__.__code__.co_names,
    "argv": "argv" in server.main.__code__.co_names,
    "main": len(inspect.signature(server.main).parameters),
    "chunkers": {m: hasattr(vars(module)[name], "__wrapped__")
                 for m, module in sys.modules.items() if name in vars(module)},
    "unguarded": unguarded,
    "middlewares": [guarding.__module__ for guarding in app.middlewares],
    "html": server.connection.get_html(),
    "shows": "get_html" in server.connection.handle_index.__code__.co_names,
    "page": "get_visualizer_js" in server.StreamServer.handle_visualizer_js.__code__.co_names,
}))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Facts about vui's server, which is imported without its speech models."""
    return json.loads(python(SERVER, tmp_path_factory.mktemp("server")).splitlines()[-1])


def test_vui_marks_a_barge_in_in_its_session_and_we_are_told(server: dict[str, Any]) -> None:
    assert server["told"] == [0, 1]
    assert server["kept"] is True


def test_vuis_server_makes_its_session_by_the_name_that_we_replace(server: dict[str, Any]) -> None:
    assert server["by_name"]


def test_vuis_worker_loads_the_recognizer_that_was_asked_for(server: dict[str, Any]) -> None:
    assert server["recognizer"] == "fwhisper turbo"


def test_vuis_server_knows_its_workers_by_the_names_that_we_watch(server: dict[str, Any]) -> None:
    assert server["state"] == ["tts_ready", "asr_ready", "tts_proc", "asr_proc"]


def test_every_module_of_vuis_speaks_sooner(server: dict[str, Any]) -> None:
    folder = "vui.serving.stream"
    modules = {f"{folder}.llm", f"{folder}.server", f"{folder}.voice_turn"}
    assert server["chunkers"] == dict.fromkeys(modules, True)


def test_vuis_server_starts_by_main_and_reads_its_own_arguments(server: dict[str, Any]) -> None:
    assert server["main"] == 0
    assert server["argv"]


def test_vuis_server_is_built_of_what_guards_it(server: dict[str, Any]) -> None:
    assert server["middlewares"] == ["vui_litellm.guard"]


def test_a_server_of_vuis_that_cannot_be_guarded_is_not_started(server: dict[str, Any]) -> None:
    assert len(server["unguarded"]) == 3
    for message in server["unguarded"]:
        assert message.startswith("This vui's server can't be kept from other web pages (")
        assert "Install a vui that was tested" in message
        assert "\n" not in message


def test_vuis_page_escapes_what_was_said(server: dict[str, Any]) -> None:
    assert server["shows"]
    shown = [line for line in server["html"].splitlines() if "innerHTML" in line]
    said = [line.strip() for line in shown if re.search(r"\btext\b", line)]
    assert len(said) == 3
    assert all(re.search(r"\+ esc\((data\.)?text\);$", line) for line in said)


def test_vuis_page_gets_its_visualizer_from_the_path_that_we_replace(
    server: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server["page"]
    monkeypatch.setattr(frontend, "VISUALIZER_JS", tmp_path / "missing.js")
    our_server.provide_visualizer()
    assert "class VuiVoiceVisualizer" in frontend.get_visualizer_js()


def test_a_visualizer_of_vuis_own_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "visualizer.js").write_text("vui's own")
    monkeypatch.setattr(frontend, "VISUALIZER_JS", tmp_path / "visualizer.js")
    our_server.provide_visualizer()
    assert frontend.get_visualizer_js() == "vui's own"


def test_an_import_of_ours_leaves_no_log_folder_of_vuis_behind(tmp_path: Path) -> None:
    assert python("import vui_litellm.cli", tmp_path) == ""
    assert not list(tmp_path.iterdir())


# ---- the thoughts and their tools


class Chooses(llm_backend.LLMBackend):
    """A backend whose model always calls the same tool."""

    def __init__(self, tool: str, **arguments: Any) -> None:
        super().__init__("m", "http://gateway")
        self.call = {"function": {"name": tool, "arguments": arguments}}
        self.asked: list[dict] = []
        self.tools: list[dict] = []

    async def complete(self, messages: list[dict], **kwargs: Any) -> dict:
        self.asked, self.tools = messages, kwargs["tools"]
        return {"content": "", "tool_calls": [self.call], "usage": {}, "done_reason": "stop"}


class Host(ThoughtsHost):
    """A host that keeps what it is told."""

    def __init__(self, **options: Any) -> None:
        self.shown: list[str] = []
        self.spoken: list[tuple[list[dict], str, bool]] = []
        super().__init__(self._keep, self.shown.append, **options)

    async def _keep(self, conversation: list[dict], prompt: str, keep: bool) -> str:
        self.spoken.append((conversation, prompt, keep))
        return "Said."


@contextlib.contextmanager
def errors_of_vui() -> Iterator[io.StringIO]:
    """What the user gets to see of vui's log."""
    err = io.StringIO()
    taken = ErrorFilter(err)
    with contextlib.redirect_stderr(taken), contextlib.redirect_stdout(taken):
        yield err


TOOLS: dict[str, dict[str, Any]] = {
    "add_memory": {"text": "Name is Ada"},
    "remove_memory": {"text": "Name is Ada"},
    "clear_memories": {},
    "set_timer": {"seconds": 3600, "subject": "tea"},
    "list_tasks": {},
    "cancel_task": {"description": "tea"},
    "clear_tasks": {},
    "clear_context": {},
    "set_speech_rate": {"direction": "faster"},
    "answer_capability": {"question": "Can you read my mail?"},
    "no_action": {},
}


@pytest.mark.parametrize("tool", TOOLS)
async def test_the_host_has_all_that_a_tool_of_vuis_uses(tool: str) -> None:
    llm_backend.set_backend(Chooses(tool, **TOOLS[tool]))
    host = Host()
    await host.reply("Hello")
    with errors_of_vui() as err:
        await host.think("Please do it")
    assert err.getvalue() == ""
    shown = [line for line in host.shown if line.startswith("[tool]")]
    assert shown == ([] if tool == "no_action" else [f"[tool] {tool} {TOOLS[tool] or ''}".strip()])
    assert len(host.shown) == len(shown)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()  # a timer


async def test_the_thoughts_call_sends_the_prompt_the_conversation_and_the_tools() -> None:
    llm_backend.set_backend(backend := Chooses("no_action"))
    for all_tools, fewer in ((True, False), (False, True)):
        host = Host(memory=False, all_tools=all_tools)
        host.session.conversation.append({"role": "user", "content": "Hello"})
        await host.think("Hello")
        assert backend.asked[0] == {"role": "system", "content": host.thoughts_prompt}
        assert {"role": "user", "content": "Hello"} in backend.asked
        names = {tool["function"]["name"] for tool in backend.tools}
        assert {"add_memory", "no_action"} <= names
        assert ("delegate" not in names) == fewer


def test_the_thoughts_take_the_backend_before_they_wait_for_anything() -> None:
    llm_backend.set_backend(first := Chooses("no_action"))
    thinking = Host().think("Hello")
    with contextlib.suppress(StopIteration):
        thinking.send(None)
    assert first.asked


async def test_a_failed_thoughts_call_gets_through_vuis_log() -> None:
    for problem in (httpx.ConnectError("nobody there"), httpx.ReadTimeout("nobody there")):

        def fail(_: httpx.Request, problem: Exception = problem) -> httpx.Response:
            raise problem

        llm_backend.set_backend(answering(fail)[0])
        with errors_of_vui() as err:
            await Host().think("Hello")
        assert "nobody there" in err.getvalue()


async def test_a_tools_announcement_is_spoken_and_kept_by_vui() -> None:
    host = Host()
    await vars(host)["_thoughts"]._speak("Your tea is ready.")
    conversation, _prompt, keep = host.spoken[0]
    assert "Your tea is ready." in conversation[0]["content"]
    assert keep is False
    assert host.session.conversation[-1]["content"] == "Said."


async def test_memories_follow_the_soul_in_the_prompt_of_a_reply() -> None:
    llm_backend.set_backend(Chooses("add_memory", text="Name is Ada"))
    host = Host()
    await host.think("My name is Ada")
    await host.reply("Who am I?")
    _conversation, prompt, keep = host.spoken[0]
    assert prompt.startswith(host.session.soul)
    assert "Name is Ada" in prompt
    assert keep is True
    assert prompts.build_memory_context(Host(memory=False)) == ""


# ---- the prompts


def test_vuis_templates_can_be_read_and_have_a_clock_where_its_persona_has() -> None:
    speech.thoughts_of(ThoughtsHost(None, None))  # type: ignore[arg-type]
    templates = our_prompts.prompt_templates()
    # With and without its task server, each with and without memories; and the thoughts.
    assert [bool(template.clock) for template in templates] == [True] * 4 + [False]


def test_vui_tells_the_time_as_its_persona_was_made() -> None:
    assert "strftime" in prompts.build_soul.__code__.co_names
    assert {template.clock for template in our_prompts.prompt_templates() if template.clock} == {
        "Today is \ue003%A, %B %d, %Y\ue004, current time is \ue003%H:%M\ue004."
    }


def test_a_vui_whose_prompts_are_made_in_another_way_has_no_templates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    our_prompts._prompt_templates.cache_clear()
    monkeypatch.setattr(prompts, "build_soul", lambda: "another")
    assert [bool(t.clock) for t in our_prompts._prompt_templates(None)] == []
    our_prompts._prompt_templates.cache_clear()


def test_an_import_of_ours_does_not_load_vuis_thoughts(tmp_path: Path) -> None:
    program = "import sys, vui_litellm.launcher; vui_litellm.patches.prompts.prompt_templates();"
    assert python(program + "print('vui.serving.stream.thoughts' in sys.modules)", tmp_path) == (
        "False\n"
    )
