"""The settings and deployments of a configuration that LiteLLM's router can't be built with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from litellm.types.router import Deployment, ModelInfo
from pydantic import ValidationError

from vui_gateway.logs import words

__all__ = ["NO_TEXT", "find_culprits", "info_refusals", "refusal"]

NO_TEXT = "Input should be a valid string"  # of `refusal` and `info_refusals`

Build = Callable[[list[dict], dict, dict], Any]


def find_culprits(
    build: Build,
    model_list: list[dict],
    settings: Mapping[str, Any],
    module_settings: Mapping[str, Any],
    error: BaseException,
) -> dict[tuple[str, str], str]:
    """By section and name (of a deployment: its id), why LiteLLM refuses it.

    Each setting is tried alone. Where none is refused, deployments are, all together and then by
    halves. All settings where nothing alone is refused.

    build: of `RouterInForce`. error: for all of it.
    """
    alone: dict[tuple[str, str], tuple[dict, dict]] = {}
    for name, value in settings.items():
        alone["router_settings", name] = {name: value}, {}
    for name, value in module_settings.items():
        alone["litellm_settings", name] = {}, {name: value}
    found = {where: why for where, parts in alone.items() if (why := _refused(build, [], *parts))}
    if not found:
        found = {("model_list", of): why for of, why in _deployments(build, model_list)}
    return found or dict.fromkeys(alone, _why(error))


def _deployments(build: Build, entries: list[dict]) -> Iterator[tuple[str, str]]:
    """The ids of the deployments that LiteLLM refuses alone, and why."""
    if not entries or not (why := _refused(build, entries, {}, {})):
        return
    if len(entries) == 1:
        yield entries[0]["model_info"]["id"], why
        return
    middle = len(entries) // 2
    yield from _deployments(build, entries[:middle])
    yield from _deployments(build, entries[middle:])


def _refused(build: Build, entries: list[dict], settings: dict, module_settings: dict) -> str:
    """Why LiteLLM's router can't be built with these; empty when it can."""
    try:
        build(entries, settings, module_settings).discard()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and a panic of LiteLLM's Rust
        return _why(error)
    return ""


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
        texts = [e for e in found if e["type"] == "string_type" and e["loc"][1] == name]
        if any(isinstance(e["loc"][-1], int) for e in texts):
            return name, "one of its values is no text: put it in quotes"
        return name, NO_TEXT if texts else found[0]["msg"]
    return None


def info_refusals(info: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a deployment's `model_info` that LiteLLM refuses, and why."""
    try:
        ModelInfo(**info)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return {str(e["loc"][0]): e["msg"] for e in found if e["loc"] and e["loc"][0] in info}
    return {}


def _why(error: BaseException) -> str:
    if isinstance(error, ValidationError):  # its text holds the value, which may be a key
        return error.errors(include_input=False)[0]["msg"]
    return words(error) or type(error).__name__
