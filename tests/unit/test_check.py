"""What `check` asks, what it makes of a reply, and what it shows: without a gateway."""

from __future__ import annotations

import io

import httpx
import pytest
from rich.console import Console

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.tools.groups import ModelGroup, choose, model_groups
from vui_litellm.tools.measure import ModelResult, Timing
from vui_litellm.tools.preflight import GatewayUnusable
from vui_litellm.tools.report import COLUMNS, table

LONG = "openrouter/meta-llama/llama-3.3-70b-instruct"
GOOD = ("openai/gpt-4.1-mini", 412, 530, 88, True, True, False, 0.0014, "good for voice")


def shown(rows: list[ModelResult], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table([vars(row) for row in rows], width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", range(36, 200, 4))
def test_a_table_of_any_width_holds_every_name_and_verdict(width: int) -> None:
    lines = shown([ModelResult(LONG, *GOOD), ModelResult("vui", *GOOD)], width)
    assert max(map(len, lines)) <= width
    assert sum("good for voice" in line for line in lines) == 2
    name = "".join(line.split()[0] for line in lines[1:] if line and line.split()[0] in LONG)
    assert name.startswith(LONG)


def test_a_wide_table_shows_all_and_says_nothing_of_columns() -> None:
    head, _, *rest = shown([ModelResult("vui", *GOOD)], 120)
    assert head.split() == " ".join(COLUMNS).split()
    assert not rest


def test_what_a_provider_says_cant_move_the_cursor() -> None:
    row = ModelResult("evil", "x", verdict="broken: \x1b[2J\x07gone\r", note="\x1b]0;x\x07")
    assert not set("\x1b\x07\r") & set("".join(shown([row], 80)))


@pytest.mark.parametrize(
    ("text", "tokens", "thought"),
    [
        ("Yeah, doing alright. What about you?", 9, False),
        ("你好！我很好，谢谢你的关心。你今天过得怎么样？", 24, False),
        ("Mir geht es gut, danke der Nachfrage!", 14, False),
        ("Alpha.", 9, False),  # as a stop phrase left it
        ("Yeah, doing alright. What about you?", 60, True),
    ],
)
def test_a_reply_was_thought_about_when_it_is_billed_for_more_than_came(
    text: str, tokens: int, thought: bool
) -> None:
    assert Timing(text=text, usage={"completion_tokens": tokens}).thought is thought


def test_a_reply_was_thought_about_when_its_provider_says_so() -> None:
    details = {"reasoning_tokens": 3}
    usage = {"completion_tokens": 9, "completion_tokens_details": details}
    assert Timing(text="Yeah, doing alright.", usage=usage).thought


def served(*names: str) -> dict[str, ModelGroup]:
    return {name: ModelGroup(name, f"x/{name}", None, demo=False) for name in names}


@pytest.mark.parametrize(
    ("asked", "default", "chosen"),
    [
        (None, "one", ["one"]),
        (None, "openai/gpt", ["one", "openai/gpt"]),  # what vui starts with
        (["openai/gpt"], "one", ["openai/gpt"]),
        (["other", "other"], "one", ["other"]),
    ],
)
def test_a_wildcard_stands_for_the_models_that_somebody_named(
    asked: list[str] | None, default: str, chosen: list[str]
) -> None:
    found = choose(served("one", "*", "openai/*"), asked, default)
    assert [group.model for group in found] == chosen


def test_the_closest_wildcard_tells_the_provider() -> None:
    (group,) = choose(served("*", "openai/*"), ["openai/gpt"], "one")
    assert group.provider == "x/openai/gpt"


@pytest.mark.parametrize("asked", ["openai/*", "nowhere"])
def test_what_is_no_model_isnt_asked(asked: str) -> None:
    with pytest.raises(GatewayUnusable, match=f"doesn't serve '{asked[:6]}"):
        choose(served("one", "openai/*"), [asked], "one")


@pytest.mark.parametrize(
    ("status", "said"), [(401, "refused the key"), (404, "is no LiteLLM gateway")]
)
async def test_a_gateway_that_wont_tell_is_told_by_what_is_wrong_with_it(
    status: int, said: str
) -> None:
    backend = LiteLLMBackend("one", "http://gateway:4000")
    backend._client = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(status))
    )
    with pytest.raises(GatewayUnusable, match=said):
        await model_groups(backend)
