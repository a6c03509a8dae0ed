"""A running gateway, ours or stock, in front of one stand-in for each family."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vui.serving.stream import llm_backend

from tests.matrix.conversations import (
    EFFORTS,
    EVALUATE,
    HEARD,
    HELLO,
    KNOBS,
    TEXT_CHAT,
    heard,
    tools,
)
from tests.matrix.families import FAMILIES, Family
from tests.providers.base import StandIn, serving
from tests.support.harness import KEY, free_port, gateway, is_ready, program, stock_options
from vui_litellm import LiteLLMBackend


@dataclass
class Arm:
    """A running gateway in front of one stand-in for each family, and a way to make backends."""

    url: str
    key: str
    stand_ins: dict[str, StandIn]
    make: Callable[..., llm_backend.LLMBackend]
    learned: set[str] = field(default_factory=set)
    # Without our gateway, the families that want the user's turn first refuse vui's greeting.
    hello: list[dict] = field(default_factory=lambda: HELLO)

    @asynccontextmanager
    async def backend(self, family: Family, name: str = "", **options: Any) -> AsyncIterator[Any]:
        """vui's backend for a family, or for its deployment of another name."""
        name = name or family.name
        await self.learn(family, name)
        backend = self.make(name, self.url, api_key=self.key, **options)
        llm_backend.set_backend(backend)
        try:
            yield backend
        finally:
            await backend.aclose()

    async def learn(self, family: Family, name: str) -> None:
        """First turns at a deployment whose name doesn't say what it refuses: all of them whole."""
        if not family.learned or name in self.learned or self.hello is not HELLO:
            return
        self.learned.add(name)
        stand_in = self.stand_ins[family.name]
        script = stand_in.script
        for effort in (None, *EFFORTS):
            async with self.backend(family, name, reasoning_effort=effort) as backend:
                stand_in.clear()
                assert await heard(HELLO) == HEARD, effort
                for knob, value in KNOBS.items():
                    text = [token async for token in backend.stream(HELLO, **{knob: value})]
                    assert "".join(text) == " ".join(HEARD), knob
                await backend.complete(EVALUATE, tools=tools(), temperature=0.0)
        stand_in.clear()
        stand_in.script = script


@contextmanager
def stand_ins(*, choosy: bool = False) -> Iterator[tuple[dict[str, StandIn], list[dict]]]:
    """One stand-in for each family, and the `model_list` that reaches them.

    choosy: each has a second deployment, which refuses fields.
    """
    with ExitStack() as stack:
        running = {family.name: family.stand_in() for family in FAMILIES}
        urls = {name: stack.enter_context(serving(one.app)) for name, one in running.items()}
        models = [
            family.entry(urls[family.name], name)
            for family in FAMILIES
            for name in (family.name, family.choosy)[: 1 + choosy]
        ]
        yield running, models


@contextmanager
def our_lab(folder: Path) -> Iterator[Arm]:
    """Our gateway, our backend."""
    with stand_ins(choosy=True) as (running, models):
        config = {
            "model_list": models,
            "litellm_settings": {"drop_params": True},
            # Each point starts with its family well, whatever the point before did to it.
            "router_settings": {"cooldown_time": 0},
        }
        with gateway(folder, config) as started:
            yield Arm(started.url, KEY, running, LiteLLMBackend)


@contextmanager
def stock_proxy(folder: Path, models: list[dict]) -> Iterator[str]:
    """Stock LiteLLM with these models, `drop_params` and no hooks; yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_list": models, "litellm_settings": {"drop_params": True}}
    path = folder / "stock.yaml"
    path.write_text(json.dumps(config))
    port = free_port()
    command = ["-m", "litellm.proxy.proxy_cli", *stock_options(path, port)]
    env = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    # It looks for a tokenizer on the internet, which isn't its fault on a machine without.
    env["HF_HUB_OFFLINE"] = "1"
    with program(command, env, folder / "stock.log", folder) as started:
        url = f"http://127.0.0.1:{port}"
        started.await_ready(lambda: is_ready(url), 90)
        yield url


@contextmanager
def stock_lab(
    folder: Path, make: Callable = llm_backend.LiteLLMBackend, hello: list[dict] = HELLO
) -> Iterator[Arm]:
    """Stock LiteLLM, with vui's own backend (or another)."""
    with stand_ins() as (running, models), stock_proxy(folder, models) as url:
        yield Arm(url, KEY, running, make, hello=hello)


def foreign_lab(folder: Path) -> AbstractContextManager[Arm]:
    """Somebody else's LiteLLM, our backend."""
    return stock_lab(folder, LiteLLMBackend, TEXT_CHAT)
