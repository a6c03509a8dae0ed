"""vui's own system messages, as templates."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from types import FunctionType, SimpleNamespace
from typing import Any

from vui.serving.stream import prompts

from vui_litellm.prompt import ANY, MEMORIES, NAME, Template, clock_field

__all__ = ["prompt_templates"]


def prompt_templates() -> list[Template]:
    """The installed vui's own system messages; without those that can't be read.

    The thoughts' message is there once vui has imported them: an import of ours would make its log.
    """
    return _prompt_templates(sys.modules.get("vui.serving.stream.thoughts"))


@cache
def _prompt_templates(thoughts: Any) -> list[Template]:
    found: list[Template] = []
    with suppress(Exception):  # another vui: its prompts go out as they are
        memories = prompts.build_memory_context(SimpleNamespace(_memories=[MEMORIES]))
        its_globals = {**vars(prompts), "time": SimpleNamespace(strftime=clock_field)}
        build_soul: Any = prompts.build_soul
        build = FunctionType(build_soul.__code__, its_globals, argdefs=build_soul.__defaults__)
        for with_claude in (True, False):
            soul = build(with_claude, NAME)
            found += [Template(soul), Template(f"{soul}\n\n{memories}")]
    with suppress(Exception):
        fields = {"capabilities": ANY, "memories": MEMORIES, "tool_rules": ANY}
        found += [Template(thoughts._THOUGHTS_PREAMBLE.format(**fields))] if thoughts else []
    return found
