"""`content` as a list of parts."""

from __future__ import annotations

from typing import Any

import pytest
from vui_gateway.providers.content import text_and_thoughts, whole_characters

TEXT = {"type": "text", "text": "Oh."}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Oh.", ("Oh.", "")),
        (None, ("", "")),
        (
            [{"type": "thinking", "thinking": [{"text": "Hm."}]}, TEXT],
            ("Oh.", "Hm."),
        ),
        ([{"type": "thinking", "thinking": "Hm."}, TEXT], ("Oh.", "Hm.")),
        ([{"type": "reasoning", "text": "Hm."}, TEXT], ("Oh.", "Hm.")),
        ([{"text": "Hm.", "thought": True}, {"text": "Oh."}], ("Oh.", "Hm.")),
        (["Oh", TEXT, {"type": "output_text", "text": "No."}], ("OhOh.No.", "")),
        ([{"type": "image_url", "image_url": {}}, TEXT, 5, {"type": "text"}], ("Oh.", "")),
        ({"type": "text", "text": "Oh."}, ("Oh.", "")),
        ([{"type": "refusal", "refusal": "Oh."}], ("Oh.", "")),
        ([{"type": "input_text", "text": "Oh"}, {"type": "text_delta", "text": "."}], ("Oh.", "")),
        ([{"type": "text", "text": {"value": "Oh.", "annotations": []}}], ("Oh.", "")),
        (
            [{"type": "message", "content": [{"type": "reasoning", "text": "Hm."}, TEXT]}],
            ("Oh.", "Hm."),
        ),
    ],
)
def test_texts_are_said_and_thoughts_are_not(content: Any, found: tuple[str, str]) -> None:
    assert text_and_thoughts(content) == found


def test_parts_within_parts_without_end_have_no_text() -> None:
    part: Any = {"text": "Oh."}
    for _ in range(5000):
        part = {"type": "message", "content": [part]}
    assert text_and_thoughts([part]) == ("", "")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Oh.", "Oh."),
        ("\ud83d\ude00!", "\U0001f600!"),
        ("One \ud83d. Two.", "One . Two."),
        ("\ude00 \ud83d", " "),
        ("Zoë 中 \U0001f600", "Zoë 中 \U0001f600"),
    ],
)
def test_halves_of_a_character_are_joined_or_gone(text: str, whole: str) -> None:
    assert whole_characters(text) == whole
