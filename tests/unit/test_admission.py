"""Which calls make way for others."""

from __future__ import annotations

import asyncio

from vui_gateway.errors import Code
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.call import OWNER, Call


def ended(clients: list[str], limit: float, *, new: str, own: int | None = None) -> list[int]:
    """Which of the calls end, oldest first, when a client begins one more."""

    async def run() -> list[int]:
        admission = Admission()
        admission.limit = limit
        tasks = [asyncio.create_task(asyncio.Event().wait()) for _ in clients]
        pairs = zip(tasks, clients, strict=True)
        admission.running = {task: Call(client=client) for task, client in pairs}
        admission.make_way(new, own)
        calls = list(admission.running.values())
        assert {call.error for call in calls} <= {"", Code.TOO_MANY_CALLS}
        for task in tasks:
            task.cancel()
        return [number for number, call in enumerate(calls) if call.error]

    return asyncio.run(run())


def test_below_every_limit_nothing_ends() -> None:
    assert ended(["a", "b"], 3, new="a", own=2) == []


def test_over_a_clients_limit_its_own_oldest_call_ends() -> None:
    assert ended(["b", "a", "a"], 9, new="a", own=2) == [1]


def test_over_the_gateways_limit_the_oldest_call_of_the_busiest_client_ends() -> None:
    assert ended(["a", "b", "b"], 3, new="a") == [1]


def test_a_key_that_is_taken_back_ends_no_call_that_has_its_answer() -> None:
    async def run() -> tuple[str, str]:
        admission = Admission()
        answered = asyncio.create_task(asyncio.sleep(0))
        running = asyncio.create_task(asyncio.Event().wait())
        await answered
        calls = admission.running = {answered: Call(), running: Call()}
        admission.revoke(OWNER)
        await asyncio.wait({running})
        return calls[answered].error, calls[running].error

    assert asyncio.run(run()) == ("", Code.KEY_REVOKED)
