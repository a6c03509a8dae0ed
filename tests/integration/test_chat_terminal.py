"""The conversation at a terminal: a person types, and interrupts."""

import subprocess
import sys
import time
from contextlib import AbstractContextManager

from tests.providers.openai import OpenAI
from tests.support.harness import Program, vui_env
from tests.support.poll import wait_until
from tests.support.terminal import Terminal, at_terminal


def chatting(gateway: Program) -> AbstractContextManager[tuple[Terminal, subprocess.Popen]]:
    env = vui_env(gateway.url, "gpt-4.1-mini", gateway.key)
    return at_terminal([sys.executable, "-m", "vui_litellm", "chat"], env)


def test_ctrl_c_in_a_reply_is_a_barge_in(shared_gateway: Program, openai: OpenAI) -> None:
    openai.clear(text="One thing. Another thing. " + "And so on. " * 500, pace=0.02)
    with chatting(shared_gateway) as (terminal, process):
        terminal.wait_for(">")
        terminal.type("Go on\r")
        terminal.wait_for("One thing.")
        before = time.monotonic()
        terminal.type("\x03")
        terminal.wait_for("[stopped]")
        closed = wait_until(lambda: openai.seen[0].closed_at, 5, "the provider's call ends")
        assert closed - before < 2
        openai.clear(text="Fine, I stopped.")
        terminal.type("Stop\r")
        terminal.wait_for("Fine, I stopped.")
        said = openai.seen[0].body["messages"]
        assert said[-2]["role"] == "assistant"
        assert said[-2]["content"].startswith("One thing.")
        terminal.type("/quit\r")
        assert process.wait(20) == 0


def test_ctrl_c_before_the_first_token_ends_the_providers_call(
    shared_gateway: Program, openai: OpenAI
) -> None:
    openai.clear(delay=30)
    with chatting(shared_gateway) as (terminal, _):
        terminal.wait_for(">")
        terminal.type("Hello\r")
        wait_until(lambda: openai.seen, 10, "the call")
        terminal.type("\x03")
        terminal.wait_for("[stopped]")
        wait_until(lambda: openai.seen[0].closed_at, 5, "the provider's call ends")
