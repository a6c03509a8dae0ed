"""What became of a call, by its attempts."""

from __future__ import annotations

import asyncio

from vui_gateway.errors import Code, Ending
from vui_gateway.turns.call import Attempt, Call
from vui_gateway.turns.deployment import Deployment


def call(*ended: str, **fields: object) -> Call:
    """A call whose attempts ended so; each asked another deployment."""

    async def made() -> Call:
        attempts = [
            Attempt(Deployment(str(n), f"openai/{n}"), {}, ended=why) for n, why in enumerate(ended)
        ]
        return Call(attempts=attempts, **fields)  # type: ignore[arg-type]

    return asyncio.run(made())


def test_the_loser_of_a_hedge_had_no_chance_and_may_be_asked_again() -> None:
    assert call(Ending.HEDGED_LOST, Ending.OK).asked == ["1"]


def test_the_model_that_answered_is_named_or_else_the_last_one() -> None:
    assert call("500", Ending.OK, Ending.HEDGED_LOST).answered_by == "openai/1"
    assert call("500", "503").answered_by == "openai/1"
    assert call().answered_by == "none"


def test_a_barge_in_is_no_failure() -> None:
    assert call(hung_up=True).outcome == "hung-up"
    assert call("500", error="500").outcome == "failed"
    assert call(Ending.OK).outcome == "ok"


def test_a_fallback_is_another_deployment() -> None:
    assert not call(Ending.OK).fallback
    assert call("500", Ending.OK).fallback


def test_reasons_are_said_once_each() -> None:
    one = call("401", "401")
    for attempt in one.attempts:
        attempt.deployment, attempt.reason = Deployment("a", "openai/a"), "its key is refused"
    one.attempts[0].code = Code.PROVIDER_KEY_REFUSED
    assert one.reasons == "openai/a: its key is refused"
    assert one.codes == ["provider_key_refused"]
