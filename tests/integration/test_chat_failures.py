"""Whatever fails in a conversation by text: one sentence, an exit code, and no traceback."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.providers.raw import head, raw_provider
from tests.support.harness import Program, gateway, openai_model, vui_env
from tests.support.poll import wait_until
from vui_litellm.errors import BUDGET, GATEWAY_AWAY

TRACEBACK = re.compile(r"Traceback|Exception ignored|never retrieved|^  File ", re.MULTILINE)


def begun(process: subprocess.Popen[str]) -> bool:
    """Whether it is our program that runs, and no longer Python's own start."""
    return "pydantic_core" in Path(f"/proc/{process.pid}/maps").read_text()


@contextmanager
def chatting(
    url: str, *text: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """`chat` at pipes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vui_litellm", "chat", *text],
        env={**os.environ, **vui_env(url, "gpt-4.1-mini")},
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def end(process: subprocess.Popen[str], seconds: float = 30) -> tuple[str, str]:
    """What it said until its end, without a traceback."""
    out, err = process.communicate(timeout=seconds)
    assert not TRACEBACK.search(out or ""), out
    assert not TRACEBACK.search(err), err
    return out, err


def test_a_gateway_that_goes_away_is_said_at_each_turn_and_the_conversation_goes_on(
    tmp_path: Path,
) -> None:
    with serving((OpenAI()).app) as url:
        config = {"model_list": [openai_model("gpt-4.1-mini", f"{url}/v1")]}
        with gateway(tmp_path, config) as running, chatting(running.url) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write("Hello\n")
            process.stdin.flush()
            assert process.stdout.readline() == "Yeah, doing alright.\n"
            assert process.stdout.readline() == "What about you?\n"  # and it has ended
            running.stop(signal.SIGKILL)
            process.stdin.write("Again\n/models\n/model other\nAnd again\n")
            out, err = end(process)
    assert out.count(GATEWAY_AWAY) == 2
    assert process.returncode == 1
    assert err.count("[gpt-4.1-mini] ") == 2
    assert "'other' is not served: the gateway at " in err


# What answers in the place of a gateway; the first is for the preflight check.
SERVED = b'{"data": [{"id": "gpt-4.1-mini"}]}'
ANSWERS = {
    "no JSON": b"data: {nonsense\n\ndata: [DONE]\n\n",
    "a list": b"data: [1, 2]\n\ndata: [DONE]\n\n",
    "a number": b"data: 7\n\ndata: [DONE]\n\n",
    "choices of text": b'data: {"choices": "one"}\n\ndata: [DONE]\n\n',
    "a delta of text": b'data: {"choices": [{"delta": "one"}]}\n\ndata: [DONE]\n\n',
    "content of numbers": b'data: {"choices": [{"delta": {"content": 7}}]}\n\ndata: [DONE]\n\n',
    "half a character": b'data: {"choices": [{"delta": {"content": "\xe2\x82"}}]}\n\n',
    "half a surrogate": b'data: {"choices": [{"delta": {"content": "One \\ud83d. Two."}}]}\n\n'
    b"data: [DONE]\n\n",
    "an error of text": b'data: {"error": "so"}\n\n',
    "nothing": b"",
    "HTML": b"<html>Log in</html>",
}


@contextmanager
def answering(listing: bytes, answer: bytes = b"") -> Iterator[str]:
    """The address of what answers this to `/v1/models`, and that to every call."""

    def respond(request: bytes) -> Iterator[object]:
        listed = b"/v1/models" in request.split(b"\r\n")[0]
        yield head(kind="application/json") if listed else head()
        yield listing if listed else answer

    with raw_provider(respond) as provider:
        yield provider.url


@pytest.mark.parametrize("name", ANSWERS)
def test_a_malformed_answer_is_one_sentence(name: str) -> None:
    with answering(SERVED, ANSWERS[name]) as url, chatting(url, "Hello") as process:
        _, err = end(process)
    assert process.returncode in (0, 1)
    assert len(err.splitlines()) <= 3, err  # the reply's, the thoughts', a line of vui's own
    if process.returncode:
        assert "[gpt-4.1-mini] " in err


def test_a_failure_is_said_also_behind_a_proxy_that_compresses_where_a_client_lets_it() -> None:
    # Caddy's `encode` and Traefik's `compress` do so with event streams, too.
    failure = b'data: {"error": {"message": "It fell over", "code": "budget_exceeded"}}\n\n'

    def respond(request: bytes) -> Iterator[object]:
        listed = b"/v1/models" in request.split(b"\r\n")[0]
        small = b"gzip" in request.split(b"\r\n\r\n")[0] and not listed
        kind = "application/json" if listed else "text/event-stream"
        yield head(200, kind, **({"content_encoding": "gzip"} if small else {}))
        yield SERVED if listed else gzip.compress(failure) if small else failure

    with raw_provider(respond) as provider, chatting(provider.url, "Hello") as process:
        out, err = end(process)
    assert out == f"{BUDGET}\n"
    assert "It fell over" in err


@pytest.mark.parametrize("answer", [b"", b"7", b"[]", b'{"data": 7}', b'{"data": [7]}', b"\xff"])
def test_what_is_no_gateway_is_one_sentence(answer: bytes) -> None:
    with answering(answer) as url, chatting(url, "Hello") as process:
        _, err = end(process)
    assert process.returncode == 2
    (line,) = err.splitlines()
    assert f"The server at {url} is no LiteLLM gateway" in line


def test_what_a_model_says_can_not_steer_the_terminal() -> None:
    steering = r"Hi \u001b]0;Root\u0007 the\u001b[2Jre\u009b1m, \u202eyou.\u2028 Bye."
    reply = f'data: {{"choices": [{{"delta": {{"content": "{steering}"}}}}]}}\n\n'
    failure = 'data: {"error": {"message": "Out \\u001b[31mof luck"}}\n\n'
    with answering(SERVED, (reply + failure).encode()) as url, chatting(url, "Hi") as process:
        out, err = end(process)
    assert "the[2Jre1m, you." in out
    assert "Out [31mof luck" in err
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]", out + err)


def test_a_reader_that_has_gone_is_one_sentence(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="One thing. " * 200, pace=0.005)
    reading, writing = os.pipe()
    with chatting(shared_gateway.url, "Hello", stdout=writing) as process:
        os.close(writing)
        assert os.read(reading, 4)
        os.close(reading)
        _, err = end(process)
    assert process.returncode == 1
    assert err == "vui-litellm: The output can't be written (Broken pipe).\n"
    wait_until(lambda: openai.seen[0].closed_at, 5, "the provider's call ends")


@pytest.mark.parametrize("after", [0.0, 0.15, 0.4, 0.7, 1.0, 1.5])
def test_ctrl_c_at_any_moment_of_a_turn_ends_it(
    shared_gateway: Program, openai: OpenAI, after: float
) -> None:
    openai.clear(delay=30)
    with chatting(shared_gateway.url, "Hello") as process:
        wait_until(lambda: begun(process), 10, "it has begun")
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, err = end(process, 5)
    assert process.returncode == 128 + signal.SIGINT
    assert err in ("", "[stopped]\n")


def test_ctrl_c_while_vui_thinks_ends_it(shared_gateway: Program, openai: OpenAI) -> None:
    with chatting(shared_gateway.url, "Hello") as process:
        assert process.stdout
        assert process.stdout.readline()
        openai.clear(delay=30)
        wait_until(lambda: openai.seen, 10, "vui thinks")
        process.send_signal(signal.SIGINT)
        end(process, 5)
    assert process.returncode == 128 + signal.SIGINT


def test_ctrl_c_between_two_lines_ends_it(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear()
    with chatting(shared_gateway.url) as process:
        assert process.stdin
        process.stdin.write("Hello\n")
        process.stdin.flush()
        wait_until(lambda: len(openai.seen) == 2, 10, "the turn")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 128 + signal.SIGINT  # although nobody closes its input
        end(process)


def test_what_nobody_thought_of_is_one_sentence(shared_gateway: Program, tmp_path: Path) -> None:
    (tmp_path / ".vui").write_text("no folder")
    result = subprocess.run(
        [sys.executable, "-m", "vui_litellm", "chat", "Hello"],
        env={**os.environ, **vui_env(shared_gateway.url, "other"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("vui-litellm: The conversation ended (FileExistsError: ")
