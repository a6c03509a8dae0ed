"""The keys at the top of a file: sections, YAML's anchors, and slips.

https://docs.litellm.ai/docs/proxy/configs
"""

from __future__ import annotations

from collections.abc import Iterator

from vui_gateway.config.document import Document
from vui_gateway.config.shape import SECTIONS
from vui_gateway.config.unsupported import SETTING_CURES, TOP
from vui_gateway.config.values import suggestion

__all__ = ["mend_top"]

ANCHORS = "x-"  # https://docs.docker.com/reference/compose-file/extension/: for YAML's anchors
AROUND_CURE = "Write its settings at the top of the file, without it."


def mend_top(file: dict, document: Document) -> Iterator[str]:
    """Takes out YAML's anchors and keys that have a slip in them."""
    if "include" in file and not file.get("model_list"):
        document.fail("include has no effect here", SETTING_CURES["include"], "include")
    others = [key for key in file if key not in SECTIONS | TOP]
    for key in [key for key in others if key.startswith(ANCHORS) or key in document.anchors]:
        others.remove(key)
        del file[key]
    if not file.get("model_list"):
        if others:
            first = file[others[0]]
            # As in a Helm chart.
            around = isinstance(first, dict) and not SECTIONS.isdisjoint(first)
            cure = suggestion(others[0], SECTIONS, AROUND_CURE if around else "Remove it.")
            document.fail(f"unknown key {others[0]!r}", cure, others[0])
        how = "empty" if "model_list" in file else "missing"
        document.fail(f"model_list is {how}", "List one model at least.", "model_list")
    for key in others:
        if meant := suggestion(key, SECTIONS, ""):
            del file[key]
            yield f"{document.place(key)}: unknown key {key!r}. {meant}"
