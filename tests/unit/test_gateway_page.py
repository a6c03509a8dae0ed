"""What the gateway's page is told, without a gateway."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from vui_gateway.api.errors import RequestError
from vui_gateway.api.page import Page
from vui_gateway.api.sessions import Sessions
from vui_gateway.turns.attempt import Deployment

KEY = "sk-0123456789abcdef"
FIRST, SECOND, OTHER = "openai/first", "openai/second", "openai/other"


def entry(model: str, group: str = "vui", order: int | None = None) -> dict:
    params = {"model": model} if order is None else {"model": model, "order": order}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": model}}


NOTE = "vui is openai/first: its key is set."


def page(cooling: dict[str, float], asked: str = FIRST, **status: Any) -> Page:
    """A page of a gateway whose deployments' ids are their models' names."""
    left_out = SimpleNamespace(model_name="vui", model="groq/x", variable="GROQ_API_KEY")
    config = SimpleNamespace(
        # As the file has them, not as they are asked.
        model_list=[entry(OTHER, "other"), entry(SECOND, order=2), entry(FIRST, order=1)],
        key_variables={FIRST: "FIRST_API_KEY", SECOND: "SECOND_API_KEY"},
        left_out=[left_out],
    )

    async def next_of(model_group: str, asked_before: list[str]) -> Deployment | None:
        assert (model_group, asked_before) == ("vui", [])
        return Deployment(asked, asked) if asked else None

    in_force = SimpleNamespace(
        cooldown=cooling.items(),
        router=SimpleNamespace(ids=lambda group: [SECOND, FIRST] if group == "vui" else []),
        candidates=SimpleNamespace(next=next_of),
        usage=SimpleNamespace(recent=SimpleNamespace(as_dicts=list)),
    )
    told: dict[str, Any] = {"vui": NOTE} | dict.fromkeys(
        ("session", "today", "budget", "cache", "error", "edited", "needs_restart")
    )
    reloader: Any = SimpleNamespace(
        config=config, in_force=in_force, status=lambda: {**told, **status}
    )
    made = Page(Sessions(lambda: KEY))
    made.reloader = reloader
    return made


def request(key: str = KEY) -> Request:
    headers = [(b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "headers": headers})


async def shown(page: Page) -> dict:
    return json.loads(bytes((await page.status(request())).body))


async def test_the_first_well_one_in_order_is_vui() -> None:
    noted = await shown(page({}))
    assert noted["vui"] == {"model": FIRST, "why": NOTE}


async def test_while_it_is_left_alone_the_next_one_stands_in() -> None:
    told = (await shown(page({FIRST: 3.2}, vui="vui is openai/first.")))["vui"]
    assert told == {"model": SECOND, "why": f"It stands in for {FIRST}."}


async def test_without_a_well_one_it_is_whom_the_engine_would_ask() -> None:
    sick = {FIRST: 3.2, SECOND: math.inf}
    fallback = (await shown(page(sick, asked=OTHER)))["vui"]
    assert fallback == {"model": OTHER, "why": f"It stands in for {FIRST}, {SECOND}."}
    again = (await shown(page(sick, asked=FIRST)))["vui"]
    assert (again["model"], again["why"][:23]) == (FIRST, "All of its models are l")
    assert (await shown(page(sick, asked="")))["vui"]["model"] == ""


async def test_each_model_has_its_state() -> None:
    told = (await shown(page({FIRST: math.inf, SECOND: 3.2})))["models"]
    assert told == [
        {"group": "vui", "model": FIRST, "state": "key refused", "variable": "FIRST_API_KEY"},
        {"group": "vui", "model": SECOND, "state": "cooling", "seconds": 4},
        {"group": "other", "model": OTHER, "state": "serving"},
        {"group": "vui", "model": "groq/x", "state": "left out", "variable": "GROQ_API_KEY"},
    ]


async def test_before_a_configuration_is_in_force_it_says_so_to_the_owner() -> None:
    early = Page(Sessions(lambda: KEY))
    assert (await early.status(request())).status_code == 503
    with pytest.raises(RequestError) as refused:
        await early.status(request("sk-wrong"))
    assert (refused.value.status, refused.value.code) == (401, "invalid_key")


async def test_the_file_is_the_same_for_everybody() -> None:
    pages: list[Response] = [await page({}).html(request(key)) for key in (KEY, "sk-wrong")]
    assert pages[0].body == pages[1].body
    assert pages[0].headers == pages[1].headers
