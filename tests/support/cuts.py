"""Texts that are cut anywhere."""

from __future__ import annotations

from hypothesis import strategies as st

ODD = [
    "Dr. Smith", "e.g. ", "3.14", "U.S.", "...", ".", "! ", "?!", '." ', ".) ", ".[laughs] ",
    "[sigh]", " ", "\n", "\r\n", "\u00a0", "\u3000", "1. ", "- ", "https://a.b/c?d=e!f ", "x[0].y",
    "\u3002", "\uff01", "😀", "İ", "ß", "\u2060", "<", "<think", "</think>", "a " * 25, "x" * 300,
    ",", "—", "Yes", " no",
]  # fmt: skip


TEXTS = st.lists(st.sampled_from(ODD), max_size=30).map("".join) | st.text(max_size=80)


def cut(text: str, data: st.DataObject) -> list[str]:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=20)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if a < b]
