"""Whether a reply was thought about."""

from __future__ import annotations

import pytest

from vui_litellm.tools.measure import Timing


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
