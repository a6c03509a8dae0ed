"""Head starts at the gateway: who may have one, how many were used, and what the others cost."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import litellm
import pytest
from litellm.proxy import proxy_server
from vui_gateway import app
from vui_gateway.errors import RequestError
from vui_gateway.state.entries import State
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.call import OWNER, Call
from vui_gateway.turns.head_start import HeadStart
from vui_gateway.usage.bill import Bill
from vui_gateway.usage.budget import Budget
from vui_gateway.usage.head_starts import (
    CLAIMS,
    LOOKED_AT,
    MOST_CLIENTS,
    PAUSE,
    SUBJECT,
    HeadStarts,
)
from vui_gateway.usage.recorder import Recorder

from tests.support.clock import WallClock
from tests.support.scripted import FOR_EVER, Scripted, said
from tests.unit.test_chat import call, heard
from tests.unit.test_fillers import FILLERS, THOUGHT

VUI, NOON = "vui", 1_790_000_000.0


def head_starts(state: State | None = None) -> tuple[HeadStarts, Budget]:
    usage = Recorder(state)
    return usage.head_starts, usage.budget


def ended(
    starts: HeadStarts, name: str, usd: float = 0.001, *, claimed: bool, client: str = OWNER
) -> None:
    """A head start from its beginning to its end."""
    one = Call(VUI, began=0.0, head_start=starts.begin(name, client), client=client)
    if claimed:
        starts.claim(name, client)
    starts.record(one, [Bill(0, 0, usd)])


def refusal(starts: HeadStarts, client: str = OWNER) -> str:
    return asyncio.run(starts.refusal(VUI, client))


def test_a_claim_counts_before_and_after_the_end_and_once() -> None:
    starts, _ = head_starts()
    ended(starts, "a", claimed=True)
    ended(starts, "b", claimed=False)
    ended(starts, "c", claimed=False)
    assert starts.today == (3, 1, pytest.approx(0.002))
    for name in ("b", "b", "unknown"):
        starts.claim(name, OWNER)
    assert starts.today == (3, 2, pytest.approx(0.001))


def test_nobody_claims_what_another_client_has_started() -> None:
    starts, _ = head_starts()
    starts.begin("a", OWNER)
    starts.claim("a", "guest")
    assert starts.today == (1, 0, 0)


@pytest.mark.parametrize("name", ["", "a b", "../x", "a" * 65])
def test_a_name_that_vui_does_not_give_is_not_counted(name: str) -> None:
    starts, _ = head_starts()
    assert starts.begin(name, OWNER) is None
    assert starts.today == (0, 0, 0)


def test_the_sums_are_those_of_a_day_and_outlive_a_restart() -> None:
    clock = WallClock(NOON)
    state = State(clock=clock)
    starts, _ = head_starts(state)
    ended(starts, "a", claimed=True)
    again, _ = head_starts(state)
    ended(again, "b", claimed=False)
    assert again.today == (2, 1, pytest.approx(0.001))
    clock.now += 86400
    assert again.today == (0, 0, 0)


def test_one_of_yesterday_that_is_claimed_today_leaves_no_price_below_zero() -> None:
    clock = WallClock(NOON)
    starts, _ = head_starts(State(clock=clock))
    ended(starts, "a", claimed=False)
    clock.now += 86_400
    starts.claim("a", OWNER)
    assert starts.today == (0, 1, 0.0)


def test_a_claim_reaches_the_gateway_that_has_the_call_and_the_sums_are_of_all() -> None:
    states = State("one"), State("two")
    (one, _), (two, _) = map(head_starts, states)
    ended(one, "a", claimed=False)
    two.claim("a", OWNER)
    states[0].take(states[1].unsent())
    states[1].take(states[0].unsent())
    assert one.today == two.today == (1, 1, 0)


@pytest.mark.parametrize("value", [None, "x", [1], [1, 2, "x"], [1, 2, float("nan")], [1e300] * 3])
def test_sums_of_another_gateway_that_are_none_are_left_out(value: Any) -> None:
    state = State("one")
    starts, _ = head_starts(state)
    ended(starts, "a", claimed=True)
    name = next(name for name, _ in state.items(SUBJECT)).replace("one", "two")
    state.put(SUBJECT, name, value)
    assert starts.today == (1, 1, 0)


def test_a_client_can_not_fill_the_memory_of_the_gateways_with_claims() -> None:
    state = State("one")
    starts, _ = head_starts(state)
    for count in range(3000):
        starts.claim(f"x{count}", OWNER)
    assert len(dict(state.items(CLAIMS))) == 1000


@pytest.mark.parametrize(("used", "refused"), [(9, True), (10, False)])
def test_where_less_than_half_of_the_last_were_used_there_is_none_for_an_hour(
    used: int, refused: bool
) -> None:
    clock = WallClock(NOON)
    starts, _ = head_starts(State(clock=clock))
    for count in range(LOOKED_AT):
        assert not refusal(starts)
        ended(starts, f"x{count}", claimed=count < used)
    assert bool(refusal(starts)) is refused
    clock.now += PAUSE - 1
    assert bool(refusal(starts)) is refused
    clock.now += 2
    assert not refusal(starts)
    ended(starts, "later", claimed=False)
    assert bool(refusal(starts)) is not refused, "only the pause begins anew"


def test_a_client_that_uses_few_of_its_own_pauses_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    starts, _ = head_starts()
    for count in range(LOOKED_AT):
        ended(starts, f"x{count}", claimed=False, client="guest")
        ended(starts, f"y{count}", claimed=True)
    assert refusal(starts, "guest")
    assert not refusal(starts)
    assert starts.today[:2] == (2 * LOOKED_AT, LOOKED_AT), "the sums are those of all"
    (line,) = caplog.messages
    assert "guest" in line


def test_a_client_that_has_made_none_for_long_is_forgotten() -> None:
    starts, _ = head_starts()
    for count in range(LOOKED_AT):
        ended(starts, f"x{count}", claimed=False, client="guest")
    for count in range(MOST_CLIENTS):
        ended(starts, "x", claimed=True, client=f"other-{count}")
    assert not refusal(starts, "guest")


@pytest.mark.parametrize("whose", ["all", "own"])
def test_there_is_none_past_80_percent_of_a_budget(whose: str) -> None:
    starts, budget = head_starts()
    if whose == "all":
        budget.limit = 1.0
    else:
        budget.limits = lambda _: 1.0
    budget.settle(OWNER, [], [Bill(0, 0, 0.79)])
    assert not refusal(starts)
    budget.settle(OWNER, [], [Bill(0, 0, 0.02)])
    assert "budget" in refusal(starts)


def test_there_is_none_on_a_server_that_answers_one_call_at_a_time() -> None:
    starts, _ = head_starts()

    async def has_one_slot(model_group: str) -> bool:
        return model_group == VUI

    starts.has_one_slot = has_one_slot
    assert refusal(starts)
    assert not asyncio.run(starts.refusal("openai/gpt-4.1-mini", OWNER))


PAID = {"model": "openai/gpt-4.1-mini", "api_key": "k"}
HOME = {"model": "openai/qwen", "api_base": "http://192.168.1.5:8080/v1", "api_key": "k"}
VLLM = {**HOME, "model": "hosted_vllm/qwen"}


@pytest.mark.parametrize(
    ("group", "one_slot"),
    [
        ([PAID, HOME], True),
        ([{**PAID, "order": 2}, {**HOME, "order": 1}], True),
        ([{**PAID, "order": 1}, {**HOME, "order": 2}], False),
        ([PAID, VLLM], False),
    ],
    ids=["as likely", "first", "as a spare", "many calls at once"],
)
def test_a_server_that_the_call_may_go_to_counts_whatever_is_drawn(
    monkeypatch: pytest.MonkeyPatch, group: list[dict], one_slot: bool
) -> None:
    monkeypatch.setattr(proxy_server, "llm_router", None)
    monkeypatch.setattr(litellm, "callbacks", [])
    parts = app.build("sk-0123456789abcdef", State(), "").in_force
    models = [
        {"model_name": VUI, "litellm_params": params, "model_info": {"id": f"d{number}"}}
        for number, params in enumerate(group)
    ]

    async def seen() -> set[bool]:
        parts.router.servers.configure(models, {}, 8192)
        parts.router.use(parts.router.build(models, {}, {}), {})
        return {await parts.usage.head_starts.has_one_slot(VUI) for _ in range(30)}

    assert asyncio.run(seen()) == {one_slot}


# ---- in a call


def test_a_head_start_says_so_in_the_log_the_metrics_and_on_the_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "vui_gateway")
    usage = Recorder()
    call(Scripted({"a": said()}), usage=usage, head_start="abc")
    call(Scripted({"a": said()}))
    assert [line.endswith(" head_start=unclaimed") for line in caplog.messages] == [True, False]
    assert [one["kind"] for one in usage.recent.as_dicts()] == ["head start"]
    shown = dict(re.findall(r"^(vui_head_\w+) (\S+)", usage.exposition().decode(), re.M))
    assert shown == {
        "vui_head_starts_today": "1.0", "vui_head_starts_used_today": "0.0",
        "vui_head_starts_unused_usd_today": "0.0",
    }  # fmt: skip


def test_a_refused_one_asks_nobody_and_is_no_failed_call() -> None:
    usage, lab = Recorder(), Scripted({"a": said()})
    usage.budget.limit = 0.0
    with pytest.raises(RequestError) as refused:
        call(lab, usage=usage, head_start="abc")
    assert (refused.value.code, refused.value.status) == ("head_start_refused", 425)
    assert not lab.bodies
    assert usage.session["calls"] == 0


@pytest.mark.parametrize("claimed", [True, False])
def test_no_sentence_is_said_while_a_model_thinks_for_nobody(claimed: bool) -> None:
    usage = Recorder()
    usage.head_starts.begin = lambda name, _: HeadStart(name, claimed)  # type: ignore[assignment, method-assign]
    lab = Scripted({"a": [*[THOUGHT] * 12, *said("Oh, good question.")]})
    pieces = heard(call(lab, fillers=FILLERS, usage=usage, head_start="abc"))
    between = ["Hmm, let me think. "] if claimed else []
    assert [text for text, _ in pieces] == [*between, "Oh, good question."]


def test_a_head_start_ends_no_other_call() -> None:
    async def run() -> None:
        admission = Admission()
        admission.limit = 2
        waiting = asyncio.create_task(asyncio.sleep(FOR_EVER))
        admission.running[waiting] = Call(VUI, client="guest")
        assert not admission.is_full(OWNER, None)
        assert admission.is_full("guest", 1)
        admission.limit = 1
        assert admission.is_full(OWNER, None)
        waiting.cancel()

    asyncio.run(run())


def test_a_claim_that_comes_before_its_call_counts() -> None:
    usage, _ = head_starts()
    usage.claim("abc", VUI)
    one = usage.begin("abc", VUI)
    assert one
    assert one.claimed
    assert (usage.today.started, usage.today.used) == (1, 1)
