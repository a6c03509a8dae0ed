"""`make soak`: turns, barge-ins, faults and edits for a long time; `SOAK=8h make soak` for longer.

Of two deployments at most one is sick at any moment. Lost is a turn of which something else than a
whole answer was heard, silent one that had nothing to say for longer than the limit allows, wrong
one that heard a word of the reply to what the user hadn't finished. Most replies are asked for
ahead of their turn; sometimes the user speaks on, or the transcript changes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import re
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.matrix.conversations import TEXT_CHAT
from tests.providers.base import Seen, serving
from tests.providers.openai import OpenAI
from tests.support.faults import BROKEN, DRIBBLE, NO_WORDS, ODD
from tests.support.harness import Program, gateway, paid
from tests.support.report import WRITING, descriptors, record, rss_mb
from tests.support.sick_and_well import CONTINUED, FIRST, SECOND, Heard, SickAndWell, sooner
from vui_litellm import LiteLLMBackend
from vui_litellm.errors import SENTENCES
from vui_litellm.patches.head_start import start_call

SEED = 7
LIMIT = 1.0  # seconds until the first words, and between words
MARGIN = 0.5
FAULTS: tuple[dict[str, Any], ...] = (
    *NO_WORDS.values(), *BROKEN.values(), *ODD.values(), DRIBBLE, {"fault": 429},
)  # fmt: skip
SICK = 0.7  # of the turns
WHOLE = {" ".join(FIRST), " ".join(SECOND)}
JOINED = {" ".join([*FIRST[:k], *CONTINUED]) for k in range(1, len(FIRST) + 1)}
SAMPLES = (60, 15 * 60, 30 * 60)
COUNTS = (
    "turns", "sick", "barge-ins", "resumptions", "thoughts", "edits",
    "apologies", "silences", "lost", "wrong", "open",
)  # fmt: skip
NEVER = "Never heard. " * 50
UNFINISHED = [*TEXT_CHAT[:-1], {**TEXT_CHAT[-1], "content": f"{TEXT_CHAT[-1]['content']} And"}]
RESUMES, STARTS = 0.1, 0.9  # of the turns; where few are used, the gateway starts none for an hour


def seconds(text: str) -> float:
    """30m, 8h or 90s in seconds."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


class Soak:
    def __init__(self, program: Program, one: OpenAI, two: OpenAI, bases: list[str]) -> None:
        self.program, self.bases = program, bases
        self.choice = random.Random(SEED)
        self.wards = [SickAndWell(program, one, two), SickAndWell(program, two, one)]
        self.counts = dict.fromkeys(COUNTS, 0)
        self.samples: dict[int, str] = {}
        self.complaints: list[str] = []
        self.longest = 0.0
        self.given_up: list[Seen] = []

    async def run(self, duration: float) -> None:
        began = time.monotonic()
        while (now := time.monotonic() - began) < duration:
            await self.turn()
            if self.choice.random() < 0.05:
                self.counts["edits"] += 1
                broken = self.choice.random() < 0.3
                text = "- broken" if broken else config(self.bases, self.counts["edits"])
                (self.program.project / "litellm_config.yaml").write_text(text)
            for mark in (*SAMPLES, round(duration)):
                if now >= mark and mark not in self.samples:
                    self.samples[mark] = self.sample()
                    print(f"{mark / 60:.0f} min: {self.samples[mark]} {self.counts}", flush=True)
            await asyncio.sleep(self.choice.uniform(0, 0.2))
        await asyncio.sleep(5)
        found = re.findall(r"^(vui_head_starts\w*|vui_calls_running) (\S+)", self.metrics(), re.M)
        shown = {name: float(value) for name, value in found}
        self.counts["head starts"] = round(shown["vui_head_starts_today"])
        self.counts["head starts used"] = round(shown["vui_head_starts_used_today"])
        if still := sum(not one.ended_at for one in self.given_up) + shown["vui_calls_running"]:
            self.complain("open", f"{still:.0f} calls")
        self.samples[round(duration)] = self.sample()

    async def turn(self) -> None:
        """A reply and its thoughts; sometimes interrupted, sometimes with a sick provider."""
        ward = self.choice.choice(self.wards)
        sick = self.choice.choice(FAULTS) if self.choice.random() < SICK else {}
        interrupt = self.choice.uniform(0, 1.5) if self.choice.random() < 0.2 else None
        turn = asyncio.create_task(ward.turn("vui", before=partial(self.before, ward, sick)))
        if interrupt is not None:
            await asyncio.wait([turn], timeout=interrupt)
            interrupted = not turn.done()
            ward.barge_in()
        else:
            interrupted = False
        heard = await turn
        self.counts["turns"] += 1
        self.counts["sick"] += bool(sick)
        self.counts["barge-ins"] += interrupted
        self.judge(heard, sick, interrupted)
        if not interrupted and "delay" not in sick:
            self.counts["thoughts"] += 1
            answer, took = await ward.thoughts("vui")
            # What is no stream is a fault of a reply only: as thoughts it may be whole.
            if not answer or not (answer["tool_calls"] or sick.get("fault") == 200):
                self.complain("lost", f"{sick}: thoughts {answer} after {took:.1f} s")

    async def before(self, ward: SickAndWell, sick: dict, backend: LiteLLMBackend) -> None:
        """Until vui asks: the reply is asked for ahead, sometimes one to another text before."""
        await backend.prefill(TEXT_CHAT)
        if self.choice.random() < RESUMES:
            self.counts["resumptions"] += 1
            ward.fall_ill({"text": NEVER, "pace": 0.02}, text=NEVER, continued=NEVER, pace=0.02)
            await start_call(backend.head_start, UNFINISHED[1:], TEXT_CHAT[0]["content"])
            await asyncio.sleep(self.choice.uniform(0, 0.3))
            if self.choice.random() < 0.5:  # else the transcript changes
                backend.head_start.cancel()
            self.given_up = [one for one in self.given_up if not one.ended_at]
            self.given_up += [s for one in (ward.first, ward.second) for s in one.seen if s.status]
        ward.fall_ill(sick)
        if self.choice.random() < STARTS:
            await start_call(backend.head_start, TEXT_CHAT[1:], TEXT_CHAT[0]["content"])
            await asyncio.sleep(self.choice.uniform(0, 0.3))

    def judge(self, heard: Heard, sick: dict, interrupted: bool) -> None:
        what = f"{sick}: {heard.chunks} {heard.raised!r}, silent for {heard.silence:.1f} s"
        self.longest = max(self.longest, heard.silence)
        if "Never" in heard.text:
            self.complain("wrong", what)
        elif any(sentence in heard.text for sentence in SENTENCES):
            self.complain("apologies", what)
        elif heard.silence > LIMIT + MARGIN:
            self.complain("silences", what)
        elif interrupted:
            if not any(whole.startswith(heard.text.rstrip(".")) for whole in WHOLE | JOINED):
                self.complain("lost", what)
        elif heard.raised or heard.text not in WHOLE | JOINED:
            self.complain("lost", what)

    def complain(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.complaints.append(f"{kind}: {what}")

    def metrics(self) -> str:
        headers = {"authorization": f"Bearer {self.program.key}"}
        return httpx.get(f"{self.program.url}/metrics", headers=headers).text

    def sample(self) -> str:
        gc.collect()
        pid = self.program.process.pid
        ours = len(asyncio.all_tasks())
        return (
            f"gateway {rss_mb(pid):.0f} MB, {descriptors(pid)} descriptors; "
            f"vui's side {rss_mb(os.getpid()):.0f} MB, {descriptors(os.getpid())} descriptors, "
            f"{ours} tasks"
        )


def config(bases: list[str], note: int) -> str:
    """The group `vui` of two deployments, and another one whose name changes with each edit."""
    own = {"model": "openai/gpt-4.1-mini", "api_key": "k"}
    models = [
        {"model_name": "vui", "litellm_params": {**own, "api_base": base, "order": order}}
        for order, base in enumerate(bases, 1)
    ]
    models.append({**models[0], "model_name": f"note-{note}"})
    # Who was sick in the last turn is well in this one: were it left alone for longer, the gateway
    # would have nobody well to turn to.
    router = {"stream_timeout": LIMIT, "cooldown_time": 0.1}
    return yaml.safe_dump(paid({"model_list": models, "router_settings": router}))


def main() -> int:
    duration = seconds(os.environ.get("SOAK") or "30m")
    with (
        sooner(),
        tempfile.TemporaryDirectory() as folder,
        serving((one := OpenAI()).app) as first,
        serving((two := OpenAI()).app) as second,
    ):
        bases = [f"{first}/v1", f"{second}/v1"]
        with gateway(Path(folder), config(bases, 0), fresh=True) as program:
            soak = Soak(program, one, two, bases)
            asyncio.run(soak.run(duration))
            alive = program.process.poll() is None
    if WRITING:
        for mark, sample in soak.samples.items():
            record("soak", f"after {mark / 60:.0f} min", sample)
        counts = json.dumps(soak.counts).strip("{}")
        said = f"{counts}; the longest silence {soak.longest:.2f} s"
        record("soak", f"{duration / 60:.0f} min, seed {SEED}", said)
    print(soak.counts, f"longest silence {soak.longest:.2f} s", *soak.complaints[:20], sep="\n")
    return 0 if alive and not soak.complaints else 1


if __name__ == "__main__":
    sys.exit(main())
