"""Which settings and deployments of a configuration LiteLLM's router can't be built with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from litellm.types.router import Deployment
from pydantic import ValidationError

from vui_gateway.logs import words

__all__ = ["NO_TEXT", "find_culprits", "refusal"]

NO_TEXT = "Input should be a valid string"  # of `refusal`

Build = Callable[[list[dict], dict, dict], Any]


def find_culprits(
    build: Build,
    model_list: list[dict],
    settings: Mapping[str, Any],
    module_settings: Mapping[str, Any],
    error: BaseException,
) -> dict[tuple[str, str], str]:
    """By section and name (of a deployment: its id), why LiteLLM refuses it.

    Each is tried alone. All settings where none alone is refused.

    build: of `RouterInForce`. error: for all of it.
    """
    alone: dict[tuple[str, str], tuple[list[dict], dict, dict]] = {}
    for name, value in settings.items():
        alone["router_settings", name] = [], {name: value}, {}
    for name, value in module_settings.items():
        alone["litellm_settings", name] = [], {}, {name: value}
    every = dict.fromkeys(alone, _why(error))
    for entry in model_list:
        alone["model_list", entry["model_info"]["id"]] = [entry], {}, {}
    found = {}
    for where, parts in alone.items():
        try:
            build(*parts).discard()
        except KeyboardInterrupt:
            raise
        except BaseException as refused:  # SystemExit, and a panic of LiteLLM's Rust
            found[where] = _why(refused)
    return found or every


def refusal(params: Mapping[str, Any]) -> tuple[str, str] | None:
    """The setting of a deployment's `litellm_params` that LiteLLM refuses, and why; its value isn't
    shown.
    """
    try:
        Deployment(model_name=params["model"], litellm_params=params)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        name = str(found[0]["loc"][1])
        # A key may also be one of LiteLLM's objects, which no file can hold.
        wants_text = any(e["type"] == "string_type" and e["loc"][1] == name for e in found)
        return name, NO_TEXT if wants_text else found[0]["msg"]
    return None


def _why(error: BaseException) -> str:
    if isinstance(error, ValidationError):  # its text holds the value, which may be a key
        return error.errors(include_input=False)[0]["msg"]
    return words(error) or type(error).__name__
