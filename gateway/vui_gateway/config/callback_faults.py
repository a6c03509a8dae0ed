"""The callbacks of a file that can't work: taken out, with a sentence for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from vui_gateway.config.values import suggestion
from vui_gateway.litellm_proxy.callback_names import (
    ALL_EVENTS,
    CALLBACK_SETTINGS,
    known,
    lacks_package,
)

__all__ = ["take_out_callbacks"]

ONE_EVENT = "success_callback"
CALLBACK_CURES = {
    "langfuse": "Write langfuse_otel, and LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY into .env "
    "(LANGFUSE_HOST for a server of your own).",
    "wandb": "Write weave_otel, and WANDB_API_KEY and WANDB_PROJECT_ID into .env.",
}


def take_out_callbacks(settings: dict[str, Any], place: Callable[..., str]) -> Iterator[str]:
    """settings: `litellm_settings`. place: of the steps to a setting, its file and line."""
    said: set[str] = set()
    for setting in CALLBACK_SETTINGS:
        given = settings.get(setting)
        names = given if isinstance(given, list) else [given]
        faults = dict(_faults(setting, names))
        if faults:
            settings[setting] = [one for one in names if str(one) not in faults]
        where = f"{place('litellm_settings', setting)}: litellm_settings.{setting}"
        yield from (f"{where} {name} {wrong}" for name, wrong in faults.items() if name not in said)
        said |= faults.keys()


def _faults(setting: str, names: list) -> Iterator[tuple[str, str]]:
    for name in names:
        # A name with a dot is a module's, or a variable's: only the start shows whether it works.
        checked = isinstance(name, str) and name and "." not in name
        if checked and (wrong := _fault(setting, name)):
            yield name, wrong


def _fault(setting: str, name: str) -> str:
    meant = name.strip().lower()
    if lacks_package(meant):
        return f"needs a package that isn't here. {CALLBACK_CURES.get(meant, 'Remove it.')}"
    if name in (here := known(setting)):
        return ""
    other = ONE_EVENT if setting == ALL_EVENTS else ALL_EVENTS
    if name in known(other):
        return f"has no effect there. Write it as {other}."
    return f"is no callback that the gateway has. {suggestion(meant, here, 'Remove it.')}"
