"""Which attempt of a call is the first to speak."""

from __future__ import annotations

import pytest
from vui_gateway.providers.blame import HOUR, Blame, Blamed
from vui_gateway.turns.deployment import Deployment

from tests.support.scripted import FOR_EVER, WELL, Scripted, Step, said


def test_a_late_first_word_is_hedged_and_the_loser_cancelled_at_once() -> None:
    lab = Scripted({"late": said("Too late to be heard.", first=3.5), "well": said(first=0.2)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["hedged-lost", "ok"]
    assert heard.pieces[0][0] == pytest.approx(1.5 + 0.2, abs=0.1)
    assert lab.closed["late"] == pytest.approx(1.7)
    assert "late" not in lab.cooldown


def test_the_same_deployment_is_hedged_when_the_group_has_no_other() -> None:
    lab = Scripted({"only": said(first=2.0)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.text == WELL
    assert heard.ended == ["ok", "hedged-lost"]


def test_no_hedge_is_wasted_on_a_sick_one() -> None:
    lab = Scripted({"well": said(first=2.0), "sick": said("Never heard.")})
    lab.hedge.enabled = True
    lab.cooldown.failed(Deployment("sick", "sick"), Blame(Blamed.KEY, HOUR))
    assert lab.hear().text == WELL
    assert [name for name, _ in lab.bodies] == ["well", "well"]


def test_the_loser_of_a_hedge_is_asked_again_when_the_winner_breaks_off() -> None:
    late: list[Step] = [(1.6, "It "), (0, "rains. "), (0, "Take "), (FOR_EVER, "")]
    lab = Scripted({"breaks": late, "well": said(first=0.5)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert heard.error is None
    assert heard.text == f"It rains. {WELL}"
    assert heard.ended == ["stalled", "hedged-lost", "ok"]


def test_when_both_speak_at_once_the_later_one_is_cancelled() -> None:
    lab = Scripted({"a": said(first=2.0), "b": said("Never heard.", first=0.5)})
    lab.hedge.enabled = True
    heard = lab.hear()
    assert (heard.text, heard.ended) == (WELL, ["ok", "hedged-lost"])
    assert lab.closed["b"] == pytest.approx(2.0)
