"""Which models `check` asks."""

from __future__ import annotations

import httpx
import pytest

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.tools.groups import ModelGroup, choose, model_groups
from vui_litellm.tools.preflight import GatewayUnusable


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
