"""`check` at gateways that a test made for it."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from tests.integration.test_check import SAYS, USES, check_at, rows
from tests.providers.base import serving
from tests.providers.cache import Bill
from tests.providers.openai import USAGE, OpenAI
from tests.support.harness import KEY, gateway, openai_model, vui_env


class Thinker(OpenAI):
    """A model that thinks aloud in its text, and whose every token is billed."""

    def usage(self, bill: Bill | None) -> dict:
        return {**USAGE, "completion_tokens": len(self.script.text) // 4}


class Elsewhere:
    """Somebody else's LiteLLM, as far as `check` asks it: tags reach vui raw there.

    Source: https://docs.litellm.ai/docs/proxy/model_management
    """

    def __init__(self, *models: str, price: float | None, note: str | None = None) -> None:
        self.stand_in = Thinker()
        self.stand_in.clear(**USES, **SAYS)
        info = {"input_cost_per_token": price, "output_cost_per_token": price, "note": note}
        self.entries = [
            {"model_name": m, "litellm_params": {"model": f"openai/{m}"}, "model_info": info}
            for m in models
        ]

    @property
    def app(self) -> Starlette:
        async def listed(_: Request) -> JSONResponse:
            return JSONResponse({"data": [{"id": e["model_name"]} for e in self.entries]})

        async def details(_: Request) -> JSONResponse:
            return JSONResponse({"data": self.entries})

        routes = [Route("/v1/models", listed), Route("/model/info", details)]
        return Starlette(routes=[*routes, Mount("/", self.stand_in.app)])

    def check(self, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        with serving(self.app) as url:
            return check_at(vui_env(url, "one", KEY), folder, *options)


THOUGHT = "The user greets me. I should greet back, and keep it short and friendly. " * 4


def test_what_the_gateway_takes_out_of_a_text_is_named_with_its_cure(tmp_path: Path) -> None:
    hello = "Hello. I am well, thank you."
    texts = {
        "angled": f"<think>{THOUGHT}</think>{hello}",
        "square": f"[THINK]{THOUGHT}[/THINK]{hello}",
        "closed": f"{hello}<|im_end|>",
        "silent": hello,
    }
    with ExitStack() as stack:
        entries = []
        for name, text in texts.items():
            stand_in = Thinker()
            stand_in.clear(**USES, text=text)
            entries.append(openai_model(name, stack.enter_context(serving(stand_in.app)) + "/v1"))
        up = stack.enter_context(gateway(tmp_path / "project", {"model_list": entries}))
        options = [word for name in texts for word in ("--model", name)]
        env = vui_env(up.url, "silent", up.key)
        found = rows(check_at(env, tmp_path, "--json", "--yes", *options))
    assert [bool(row["thinking"]) for row in found.values()] == [True, True, False, False]
    verdicts = [row["verdict"] for row in found.values()]
    for verdict, leak in zip(verdicts, ["its thoughts"] * 2 + ["control tokens"], strict=False):
        assert f"its server leaks {leak}. To mend it, start vLLM" in verdict
    assert "leaks" not in verdicts[-1]


@pytest.mark.parametrize("tag", ["<think>", "[THINK]"])
def test_a_model_whose_thoughts_vui_would_speak_is_broken(tmp_path: Path, tag: str) -> None:
    elsewhere = Elsewhere("one", price=1e-7)
    elsewhere.stand_in.clear(**USES, text=f"{tag}Hm.{tag[0]}/{tag[1:]}Hello.")
    result = elsewhere.check(tmp_path, "--json")
    row = rows(result)["one"]
    assert row["thinking"] is True
    assert row["verdict"].startswith("broken: it thinks aloud between tags")
    assert result.returncode == 1


def test_without_a_terminal_it_goes_on_below_ten_cents(tmp_path: Path) -> None:
    result = Elsewhere("one", price=1e-6).check(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Go on?" not in result.stderr + result.stdout


@pytest.mark.parametrize(
    ("price", "why"),
    [(1e-4, "This costs about 2.0"), (None, "There is no price for one, ")],
)
def test_without_a_terminal_more_than_that_needs_a_yes(
    tmp_path: Path, price: float | None, why: str
) -> None:
    elsewhere = Elsewhere("one", price=price)
    refused = elsewhere.check(tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"vui-litellm: {why}")
    assert "`--yes`" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not elsewhere.stand_in.seen
    assert elsewhere.check(tmp_path, "--dry-run").returncode == 0
    assert not elsewhere.stand_in.seen
    assert elsewhere.check(tmp_path, "--yes").returncode == 0


def test_a_wildcard_is_asked_only_by_a_name_that_it_stands_for(tmp_path: Path) -> None:
    elsewhere = Elsewhere("one", "two/*", price=1e-7)
    assert list(rows(elsewhere.check(tmp_path, "--json"))) == ["one"]
    named = rows(elsewhere.check(tmp_path, "--json", "--model", "two/three"))
    assert named["two/three"]["verdict"] == "good for voice"
    assert elsewhere.stand_in.seen[-1].body["model"] == "two/three"
    refused = elsewhere.check(tmp_path, "--model", "two/*")
    assert refused.returncode == 2
    only = Elsewhere("two/*", price=1e-7).check(tmp_path)
    assert (only.returncode, only.stderr.count("\n")) == (2, 1)
    assert "serves two/*. Name a model with `--model NAME`." in only.stderr


def test_what_the_gateway_says_about_a_model_is_above_the_table(tmp_path: Path) -> None:
    note = "vui is one: the first model of the file that has its key."
    result = Elsewhere("one", price=1e-7, note=note).check(tmp_path)
    assert result.stdout.startswith(f"{note}\n\nmodel ")


def test_a_file_is_never_folded(tmp_path: Path) -> None:
    name = "openrouter/meta-llama/llama-3.3-70b-instruct" * 3
    head, row = Elsewhere(name, price=1e-7).check(tmp_path).stdout.splitlines()[:2]
    assert head.rstrip().endswith("verdict")
    assert row.startswith(f"{name} ")
    assert row.rstrip().endswith("good for voice")
