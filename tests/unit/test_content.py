"""`content` as a list of parts."""

from __future__ import annotations

from typing import Any

import pytest
from vui_gateway.providers.content import text_and_thoughts

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
    ],
)
def test_texts_are_said_and_thoughts_are_not(content: Any, found: tuple[str, str]) -> None:
    assert text_and_thoughts(content) == found
