"""What the user can set on vui's side: read once, at start, and refused in one clear sentence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["DEFAULT_CONTEXT", "DEFAULT_MODEL", "DEFAULT_URL", "SettingError", "Settings"]

DEFAULT_URL = "http://localhost:4000"
DEFAULT_MODEL = "openai/gpt-4o-mini"
DEFAULT_CONTEXT = 8192
# https://platform.openai.com/docs/api-reference/chat/create#chat-create-reasoning_effort
REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


class SettingError(ValueError):
    """A setting has a bad value; the message names it, what is wrong, and the cure."""

    def __init__(self, name: str, wrong: str, cure: str):
        super().__init__(f"{name} {wrong}. {cure}.")


@dataclass(frozen=True)
class Settings:
    """How to reach the gateway, and how to behave in front of it."""

    url: str = DEFAULT_URL
    model: str = DEFAULT_MODEL
    key: str | None = None
    reasoning_effort: str | None = None
    context: int = DEFAULT_CONTEXT
    speak_errors: bool = True
    key_file: str = ""

    def read_key(self) -> str | None:
        """The key file's key as it is now: the gateway may have got another one since."""
        try:
            return _key("", self.key_file)
        except SettingError:
            return None

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read every `VUI_LITELLM_*` variable; an empty one counts as unset.

        Raises:
            SettingError: a value cannot be used.
        """

        def get(name: str) -> str:
            return env.get(f"VUI_LITELLM_{name}", "").strip()

        return cls(
            url=_url(get("URL") or DEFAULT_URL),
            model=get("MODEL") or DEFAULT_MODEL,
            key=_key(get("KEY"), get("KEY_FILE")),
            reasoning_effort=_effort(get("REASONING_EFFORT")),
            context=_context(get("CONTEXT") or str(DEFAULT_CONTEXT)),
            speak_errors=_switch("VUI_LITELLM_SPEAK_ERRORS", get("SPEAK_ERRORS") or "1"),
            key_file="" if get("KEY") else get("KEY_FILE"),
        )


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingError(
            "VUI_LITELLM_URL",
            f"is {value!r}, which is no http address",
            f"Write it as {DEFAULT_URL}",
        )
    return value.rstrip("/")


def _key(value: str, file: str) -> str | None:
    name = "VUI_LITELLM_KEY"
    if not value and file:
        name = "VUI_LITELLM_KEY_FILE"
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(
                name,
                f"names {file}, which can't be read ({error})",
                "Start the gateway first, it writes that file; or set VUI_LITELLM_KEY instead",
            ) from error
        if not value:
            raise SettingError(name, f"names {file}, which is empty", "Put the gateway's key in it")
    if not all("!" <= char <= "~" for char in value):
        raise SettingError(
            name, "holds a space or a character that no HTTP header can carry", "Copy the key again"
        )
    return value or None


def _effort(value: str) -> str | None:
    if value and value not in REASONING_EFFORTS:
        raise SettingError(
            "VUI_LITELLM_REASONING_EFFORT",
            f"is {value!r}",
            f"Use one of {', '.join(REASONING_EFFORTS)}, or leave it empty",
        )
    return value or None


def _context(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise SettingError(
            "VUI_LITELLM_CONTEXT",
            f"is {value!r}",
            f"Use the model's context in tokens, a whole number such as {DEFAULT_CONTEXT}",
        )
    return int(value)


def _switch(name: str, value: str) -> bool:
    try:
        return {"1": True, "true": True, "0": False, "false": False}[value.lower()]
    except KeyError:
        raise SettingError(name, f"is {value!r}", "Use 1 (on) or 0 (off)") from None
