"""What `make bench` found, as docs/performance.md and its plot."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from string import Template

import matplotlib as mpl

from bench.before import BEFORE
from bench.profile import FOUND, table
from tests.support.harness import ROOT

mpl.use("svg")
import matplotlib.pyplot as plt

__all__ = ["write"]

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
COSTS = ROOT / "docs" / "costs.svg"
README = ROOT / "README.md"
UNPROFILED = "TODO-FIGURE: the table of `python -m bench.profile`"
OURS, THEIRS = "#2a9d5c", "#b8bcc2"

# key → what it is, what is to be reached (None: nothing is), and its unit
KEYS = {
    "ttft_added_ms": ("added to the first token, loopback, one client", None, "ms"),
    "ttft_added_vs_stock": ("the same over stock's", ("<=", 0.75), ""),
    "turn_vs_direct_wan": ("first token over vui direct, 60 ms away", ("<=", 0.65), ""),
    "first_turn_vs_warm": ("first turn after healthy over the median turn", ("<=", 1.2), ""),
    "start_s": ("container start to healthy", None, "s"),
    "start_vs_stock": ("the same over stock's", ("<=", 0.9), ""),
    "barge_in_ms_p95": ("vui stops listening until the provider's end", ("<=", 50), "ms"),
    "failover_added_ms_p95": ("first token after a 500 of the first one", ("<=", 100), "ms"),
    "tail_p995_vs_stock": ("first sentence, p99.5 over stock's, late providers", ("<=", 0.4), ""),
    "tail_p50_vs_stock": ("the same, median", ("<=", 1.02), ""),
    "tail_extra_cost": ("tokens billed over those of single calls", ("<=", 0.05), ""),
    "hedge_cancel_ms_p95": ("the winner's first word until the loser's end", ("<=", 50), "ms"),
    "hedge_cancel_busy_ms_p95": ("the same, every core busy besides", ("<=", 300), "ms"),
    "silence_max_s": ("longest silence: faults, thinking, loading, stalls alone", ("<=", 3.0), "s"),
    "silence_faults_s": ("of the faults alone, the first deployment sick", ("<=", 3.0), "s"),
    "apologies": ("alone, thinking 12 s or loading 15 s, and given up", ("<=", 0), ""),
    "first_spoken_vs_direct": ("first chunk for TTS over vui direct", ("<=", 0.8), ""),
    "first_spoken_one_sentence_vs_direct": ("the same, one sentence", ("<=", 1.03), ""),
    "speech_end_to_first_chunk_vs_direct": (
        "end of speech to the first chunk for TTS over vui's, a full stop", ("<=", 0.65), ""),
    "speech_end_to_first_chunk_trailing_vs_direct": ("the same, trailing off", ("<=", 0.55), ""),
    "speech_end_to_first_chunk_changing_vs_direct": (
        "the same, one transcript of three changes meanwhile", ("<=", 0.75), ""),
    "head_start_extra_cost": ("tokens over those without, one of five speaks on", ("<=", 0.12), ""),
    "head_start_wrong_replies": ("replies to another text than was committed", ("<=", 0), ""),
    "first_sentence_added_ms": ("added to the provider's first sentence", None, "ms"),
    "first_sentence_added_vs_before": (f"the same over commit {BEFORE}'s", ("<=", 0.8), ""),
    "plain_speech_ms": ("Markdown to speech, a reply of 2,048 tokens in all", ("<=", 10), "ms"),
    "said_ms": ("raw text to sentences, the same reply in all", ("<=", 50), "ms"),
    "local_first_turn_vs_direct": ("first words at home, first turn, over vui's", ("<=", 1.05), ""),
    "local_turn_vs_direct": ("the same, third turn", ("<=", 1.05), ""),
    "local_requests_per_turn": ("requests to the server at home for a turn", ("<=", 2), ""),
    "input_usd_vs_stock_claude_sonnet": ("input's USD over stock's, Sonnet", ("<=", 0.35), ""),
    "input_usd_vs_stock_claude_haiku_4_5": ("Haiku 4.5", ("<=", 0.75), ""),
    "input_usd_vs_stock_bedrock_claude": ("Sonnet 4.6 on Bedrock", ("<=", 0.4), ""),
    "input_usd_vs_stock_mistral": ("Mistral Small", ("<=", 0.4), ""),
    **{
        f"input_usd_vs_stock{when}_{family}": (f"{name}{told}", ("<=", limit), "")
        for family, name in (
            ("openai", "GPT-4.1 mini"), ("gemini", "Gemini 2.5 Flash"), ("groq", "gpt-oss on Groq"),
            ("deepseek", "DeepSeek V4"), ("xai", "Grok 4.20"),
        )
        for when, told, limit in (("", "", 1.0), ("_after_restart", ", after a restart", 0.7))
    },
    "input_usd_vs_none_worst": ("the worst family over no caching", ("<=", 1.0), ""),
    "redis_added_ms_p50": ("added by a Redis that gateways share", ("<=", 0.5), "ms"),
    "trace_added_ms_p50": ("added by traces and metrics to a collector", ("<=", 0.3), "ms"),
    "failover_gateway_lost": ("calls lost, one of three gateways is killed", ("<=", 0), ""),
    "rolling_update_lost": ("calls lost or cut, all three are replaced", ("<=", 0), ""),
    "turns_per_s": ("8 clients, saturated", None, "turns/s"),
    "turns_per_s_vs_stock": ("the same over stock's", (">=", 1.7), ""),
    "cpu_ms_per_call": ("processor for a call, 8 clients, saturated", None, "ms"),
    "cpu_vs_stock": ("the same over stock's", ("<=", 0.6), ""),
    "rss_mb": ("memory, idle after 20 turns", None, "MB"),
    "rss_vs_stock": ("the same over stock's", ("<=", 1.02), ""),
    "rss_256_calls_mb": ("memory, 256 calls at once, 45 words each said", None, "MB"),
    "rss_per_call_kb": ("of it for each call", None, "kB"),
    "image_mb": ("the gateway's image", None, "MB"),
}  # fmt: skip

# The six most used models whose price was measured.
MODELS = {
    "openai": "GPT-4.1 mini", "claude_sonnet": "Claude Sonnet 4.6", "gemini": "Gemini 2.5 Flash",
    "claude_haiku_4_5": "Claude Haiku 4.5", "xai": "Grok 4.20", "mistral": "Mistral Small",
}  # fmt: skip

# The three that somebody who talks to it cares about.
FIGURES = """\
- First token in **{wan_ours_ms_p50:.0f} ms instead of {wan_direct_ms_p50:.0f} ms**
  (provider 60 ms away).
- The provider stops within **{barge_in_ms_p95:.0f} ms** of an interruption (95 % of them),
  and so does its meter.
- A failing model costs **{failover_added_ms_p95:.0f} ms** (95 %): the next one answers
  the same turn.
"""


def write(keys: dict[str, float], days: dict[str, str]) -> None:
    """The page, its plot and the README's three figures, from bench/results.json's flat keys.

    days: on which each key was measured; those of one day stand in one table.
    """
    plot(keys)
    plot_costs(keys)
    marks = r"(?<=<!-- figures -->\n).*?(?=<!-- /figures -->)"
    figures = FIGURES.format(**keys)
    README.write_text(re.sub(marks, figures, README.read_text(), flags=re.DOTALL))
    template = Template((Path(__file__).parent / "performance.md").read_text(encoding="utf-8"))
    lock = (ROOT / "gateway" / "requirements.txt").read_text()
    version = re.search(r"^litellm==(\S+)", lock, re.MULTILINE)
    PAGE.write_text(
        template.substitute(
            {
                key: f"{value:.3g}" if abs(value) < 10 else f"{value:.0f}"
                for key, value in keys.items()
            },
            rss_floor_share=round(100 * keys["rss_floor_tokenizer_mb"] / keys["rss_mb_stock"]),
            tables="\n\n".join(_table(day, keys, days) for day in sorted({*days.values()})[::-1]),
            all="\n".join(f"| `{key}` | {keys[key]:.3f} |" for key in sorted(keys)),
            machine=f"{os.cpu_count()} × {_processor()}, Linux {platform.release().split('-')[0]}",
            litellm=version.group(1) if version else "?",
            vui=importlib.metadata.version("vui-tts"),
            docker=_docker(),
            profile=table(json.loads(FOUND.read_text())) if FOUND.exists() else UNPROFILED,
        ),
        encoding="utf-8",
    )


def _table(day: str, keys: dict[str, float], days: dict[str, str]) -> str:
    rows = [_row(key, keys.get(key)) for key in KEYS if days.get(key) == day]
    head = f"| measured on {day} | what | seen | to reach | |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *rows]) if rows else ""


def _row(key: str, value: float | None) -> str:
    what, target, unit = KEYS[key]
    if value is None:
        return f"| `{key}` | {what} | not measured | | |"
    shown = f"{value:.2f} {unit}".strip()
    if target is None:
        return f"| `{key}` | {what} | {shown} | | |"
    sign, limit = target
    met = value <= limit if sign == "<=" else value >= limit
    sign = {"<=": "≤", ">=": "≥"}[sign]
    return f"| `{key}` | {what} | {shown} | {sign} {limit} | {'✓' if met else '✗'} |"


def plot(keys: dict[str, float]) -> None:
    """Three pairs of bars, readable at a glance."""
    pairs = (
        ("First token, provider 60 ms away", "vui direct", "wan_direct_ms_p50", "wan_ours_ms_p50"),
        ("First turn after the start", "stock LiteLLM", "first_turn_stock_ms", "first_turn_ms"),
        ("Added to the first token", "stock LiteLLM", "ttft_added_stock_ms", "ttft_added_ms"),
    )
    mpl.rcParams["svg.hashsalt"] = "vui-litellm"  # the same figures give the same file
    figure, axes = plt.subplots(1, 3, figsize=(11, 2.2))
    for axis, (title, other, their_key, our_key) in zip(axes, pairs, strict=True):
        theirs, mine = keys[their_key], keys[our_key]
        bars = axis.barh([other, "this gateway"], [theirs, mine], color=[THEIRS, OURS], height=0.6)
        axis.bar_label(bars, fmt=lambda ms: f"{ms:.0f} ms", padding=4)
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_xlim(0, max(theirs, mine) * 1.3)
        axis.xaxis.set_visible(False)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.tick_params(left=False)
    figure.tight_layout(w_pad=3)
    figure.savefig(PLOT, metadata={"Date": None})
    plt.close(figure)


def plot_costs(keys: dict[str, float]) -> None:
    """US dollars for the input of 100 turns, by model: stock's and ours."""
    mpl.rcParams["svg.hashsalt"] = "vui-litellm"
    figure, axis = plt.subplots(figsize=(11, 3.4))
    places = range(len(MODELS))
    arms = (("stock LiteLLM", "_stock", -0.2, THEIRS), ("this gateway", "", 0.2, OURS))
    for label, arm, shift, colour in arms:
        usd = [keys[f"input_usd_per_100_turns{arm}_{family}"] for family in MODELS]
        bars = axis.bar([p + shift for p in places], usd, 0.36, color=colour, label=label)
        axis.bar_label(bars, fmt="{:.2f}", padding=2, fontsize=8)
    axis.set_xticks(places, list(MODELS.values()))
    axis.set_title("US dollars for the input of 100 turns", fontsize=10, loc="left")
    axis.legend(frameon=False)
    axis.yaxis.set_visible(False)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(bottom=False)
    figure.tight_layout()
    figure.savefig(COSTS, metadata={"Date": None})
    plt.close(figure)


def _processor() -> str:
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return names[0] if names else platform.machine()


def _docker() -> str:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
