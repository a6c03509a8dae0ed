"""The data of the gateway's page, without a gateway."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from vui_gateway.api.page import Page
from vui_gateway.errors import RequestError
from vui_gateway.keys.clients import Keys
from vui_gateway.keys.page_tokens import PAGE_ADDRESS, sign
from vui_gateway.status import Model, Status
from vui_gateway.turns.deployment import Deployment

KEY = "sk-0123456789abcdef"
FIRST, SECOND, OTHER = "openai/first", "openai/second", "openai/other"
NOTE = "vui is openai/first: its key is set."


def page(states: dict[str, str], asked: str = FIRST) -> Page:
    """A page of a gateway whose deployments' ids are their models' names."""

    def model(name: str, group: str = "vui") -> Model:
        state: Any = states.get(name, "serving")
        return Model(group=group, model=name, id=name, state=state)

    async def next_of(groups: list[str], asked_before: list[str]) -> Deployment | None:
        assert (groups, asked_before) == (["vui"], [])
        return Deployment(asked, asked) if asked else None

    in_force = SimpleNamespace(
        router=SimpleNamespace(ids=lambda group: [SECOND, FIRST] if group == "vui" else []),
        candidates=SimpleNamespace(next=next_of),
        usage=SimpleNamespace(recent=SimpleNamespace(as_dicts=list)),
    )
    left_out = Model(group="vui", model="groq/x", state="left out", variable="GROQ_API_KEY")
    status = Status(vui=NOTE, models=[model(FIRST), model(SECOND), model(OTHER, "other"), left_out])
    reloader: Any = SimpleNamespace(in_force=in_force, status=lambda: status)
    made = Page(Keys(KEY))
    made.reloader = reloader
    return made


def request(key: str = KEY) -> Request:
    headers = [(b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "headers": headers})


async def shown(page: Page) -> dict:
    return json.loads(bytes((await page.status(request())).body))


async def test_the_first_well_one_in_order_is_vui() -> None:
    assert (await shown(page({})))["asked"] == {"model": FIRST, "why": NOTE}


async def test_while_it_is_left_alone_the_next_one_stands_in() -> None:
    asked = (await shown(page({FIRST: "cooling"})))["asked"]
    assert asked == {"model": SECOND, "why": f"It answers in place of {FIRST}."}


async def test_without_a_well_one_it_is_whom_the_engine_would_ask() -> None:
    sick = {FIRST: "cooling", SECOND: "key refused"}
    fallback = (await shown(page(sick, asked=OTHER)))["asked"]
    assert fallback == {"model": OTHER, "why": f"It answers in place of {FIRST}, {SECOND}."}
    again = (await shown(page(sick, asked=FIRST)))["asked"]
    assert (again["model"], again["why"][:23]) == (FIRST, "All of its models faile")
    assert (await shown(page(sick, asked="")))["asked"]["model"] == ""


async def test_a_printed_address_and_the_key_open_a_session_and_the_session_opens_the_data() -> (
    None
):
    made = page({})
    for secret in (KEY, sign(KEY, PAGE_ADDRESS, 60)):
        session = json.loads(bytes((await made.session(request(secret))).body))["session"]
        assert (await made.status(request(session))).status_code == 200
        with pytest.raises(RequestError):
            await made.session(request(session))
    with pytest.raises(RequestError):
        await made.status(request(sign(KEY, PAGE_ADDRESS, 60)))


async def test_before_a_configuration_is_in_force_it_says_so_to_the_owner() -> None:
    early = Page(Keys(KEY))
    assert (await early.status(request())).status_code == 503
    with pytest.raises(RequestError) as refused:
        await early.status(request("sk-wrong"))
    assert (refused.value.status, refused.value.code) == (401, "invalid_key")


async def test_the_file_is_the_same_for_everybody() -> None:
    pages: list[Response] = [await page({}).html(request(key)) for key in (KEY, "sk-wrong")]
    assert pages[0].body == pages[1].body
    assert pages[0].headers == pages[1].headers
