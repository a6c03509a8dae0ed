"""`make soak`: turns, barge-ins, faults and edits for a long time; `SOAK=8h make soak` for longer.

A turn counts as lost when nothing was heard of it although a deployment was well, or when it took
longer than any deadline allows.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import yaml
from vui.serving.stream import llm_backend

from tests.matrix.conversations import HELLO, tools
from tests.providers.base import StandIn, serving
from tests.providers.openai import OpenAI
from tests.support.harness import gateway
from tests.support.report import WRITING, descriptors, record, rss_mb
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import SENTENCES

SEED = 7
TURN_LIMIT = 10.0
FAULTS: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {"fault": 500}, {"fault": 429}, {"fault": "reset", "after": 8},
    {"fault": "error-frame", "after": 8}, {"fault": "end", "after": 8}, {"delay": 30},
    {"fault": "stall", "after": 8}, {"fault": 200, "fault_body": "<html>"},
)  # fmt: skip
SAMPLES = (60, 15 * 60, 30 * 60)


def seconds(text: str) -> float:
    """30m, 8h or 90s in seconds."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


class Soak:
    def __init__(self, program: Any, stand_ins: list[StandIn], bases: list[str]) -> None:
        self.program, self.stand_ins, self.bases = program, stand_ins, bases
        self.choice = random.Random(SEED)
        self.counts = dict.fromkeys(("turns", "barge-ins", "said failures", "lost", "edits"), 0)
        self.samples: dict[int, str] = {}
        self.lost: list[str] = []

    def config(self, note: int) -> str:
        models = [
            {
                "model_name": "vui",
                "litellm_params": {
                    "model": "openai/gpt-4.1-mini",
                    "api_base": base,
                    "api_key": "k",
                    "order": order,
                },
            }
            for order, base in enumerate(self.bases, 1)
        ]
        models.append({**models[0], "model_name": f"note-{note}"})
        router = {"stream_timeout": 2, "cooldown_time": 2}
        return yaml.safe_dump({"model_list": models, "router_settings": router})

    async def run(self, duration: float) -> None:
        backend = LiteLLMBackend("vui", self.program.url, api_key=self.program.key)
        llm_backend.set_backend(backend)
        began = time.monotonic()
        while (now := time.monotonic() - began) < duration:
            await self.turn(backend)
            if self.choice.random() < 0.05:
                self.counts["edits"] += 1
                broken = self.choice.random() < 0.3
                text = "- broken" if broken else self.config(self.counts["edits"])
                (self.program.project / "litellm_config.yaml").write_text(text)
            for mark in (*SAMPLES, round(duration)):
                if now >= mark and mark not in self.samples:
                    self.samples[mark] = self.sample()
                    print(f"{mark / 60:.0f} min: {self.samples[mark]} {self.counts}", flush=True)
            await asyncio.sleep(self.choice.uniform(0, 0.2))
        await backend.aclose()
        await asyncio.sleep(5)
        self.samples[round(duration)] = self.sample()

    async def turn(self, backend: LiteLLMBackend) -> None:
        """A reply and its thoughts call; sometimes interrupted, sometimes with a sick provider."""
        sick = self.choice.choice(FAULTS)
        self.stand_ins[0].clear(**sick, pace=0.002)
        self.stand_ins[1].clear(pace=0.002)
        interrupt = self.choice.uniform(0, 0.15) if self.choice.random() < 0.3 else None
        loop = asyncio.get_running_loop()
        handle = loop.call_later(interrupt or 3600, backend.barge_in)
        said, began, failed = "", time.monotonic(), False
        try:
            async for token in backend.stream(HELLO, max_tokens=2048):
                said += token
        except httpx.HTTPError:
            failed = True
        handle.cancel()
        took = time.monotonic() - began
        self.counts["turns"] += 1
        if interrupt is not None and took <= TURN_LIMIT:
            self.counts["barge-ins"] += 1
            return
        spoken = any(sentence in said for sentence in SENTENCES)
        if failed and spoken and sick and took <= TURN_LIMIT:
            self.counts["said failures"] += 1
        elif failed or "What about you?" not in said or took > TURN_LIMIT:
            self.counts["lost"] += 1
            self.lost.append(f"{sick}: {said!r} after {took:.1f} s")
        else:
            self.stand_ins[0].clear()
            await backend.complete(HELLO, tools=tools(), temperature=0.0)

    def sample(self) -> str:
        gc.collect()
        pid = self.program.process.pid
        ours = len(asyncio.all_tasks())
        return (
            f"gateway {rss_mb(pid):.0f} MB, {descriptors(pid)} descriptors; "
            f"vui's side {rss_mb(os.getpid()):.0f} MB, {descriptors(os.getpid())} descriptors, "
            f"{ours} tasks"
        )


def main() -> int:
    duration = seconds(os.environ.get("SOAK") or "30m")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving((one := OpenAI()).app) as first,
        serving((two := OpenAI()).app) as second,
    ):
        bases = [f"{first}/v1", f"{second}/v1"]
        with gateway(Path(folder), Soak(None, [], bases).config(0)) as program:
            soak = Soak(program, [one, two], bases)
            asyncio.run(soak.run(duration))
            alive = program.process.poll() is None
    if WRITING:
        for mark, sample in soak.samples.items():
            record("soak", f"after {mark / 60:.0f} min", sample)
        record("soak", f"{duration / 60:.0f} min, seed {SEED}", json.dumps(soak.counts).strip("{}"))
    print(soak.counts, *soak.lost[:20], sep="\n")
    return 0 if alive and not soak.lost else 1


if __name__ == "__main__":
    sys.exit(main())
