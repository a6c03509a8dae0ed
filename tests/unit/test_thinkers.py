"""Which deployments' replies begin in thinking."""

from __future__ import annotations

import pytest
from vui_gateway.state.entries import State
from vui_gateway.turns.call import Attempt
from vui_gateway.turns.deployment import Deployment
from vui_gateway.turns.thinkers import THINKERS, Thinkers

from tests.support.clock import run_virtual


def after(*replies: bool | None, aloud: bool | None) -> bool:
    """Whether the next reply begins in thinking; replies: what each has shown."""
    thinkers, deployment = Thinkers(), Deployment("a", "openai/a", thinks_aloud=aloud)

    async def learn() -> None:
        for began in replies:
            record = Attempt(deployment, {})
            record.began_in_thinking = began
            thinkers.learn(record)

    run_virtual(learn())
    return thinkers.begins_in_thinking(deployment)


@pytest.mark.parametrize(
    ("replies", "aloud", "expected"),
    [
        ((), False, False),
        ((), True, True),
        ((True,), False, True),
        ((True, False), False, True),  # it may answer once without a thought
        ((True, False, False), False, False),
        ((False, False), True, False),
        ((None,), True, True),
        ((True,), None, False),  # its server separates thoughts: the tag was a word of the text
    ],
)
def test_what_replies_show_is_remembered_and_unlearned(
    replies: tuple, aloud: bool | None, *, expected: bool
) -> None:
    assert after(*replies, aloud=aloud) is expected


def test_a_deployment_that_is_gone_is_forgotten() -> None:
    state = State()
    thinkers, deployment = Thinkers(state), Deployment("a", "openai/a", thinks_aloud=False)
    state.put(THINKERS, "a", 2)
    assert thinkers.begins_in_thinking(deployment)
    thinkers.configure(["a", "b"])
    assert thinkers.begins_in_thinking(deployment)
    thinkers.configure(["b"])
    assert not thinkers.begins_in_thinking(deployment)
