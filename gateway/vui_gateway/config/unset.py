"""Settings of a deployment whose variable isn't set: taken out where it needs none, as in LiteLLM.

Without a key, an identity or an address of one's own it is left out (`lacking.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from vui_gateway.config.env import env_values, unset_in
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.litellm_proxy.key_variables import key_variables
from vui_gateway.providers.usual_keys import (
    ADDRESS_NAME,
    ANOTHER_WAY,
    HEADER_FIELDS,
    KEY_HEADER,
    NEEDS_ADDRESS,
    usual_addresses,
)

__all__ = ["take_out_unset"]

# Besides keys. A session's token is none: with static keys AWS wants it no more.
IDENTITY = re.compile(
    r"model|custom_llm_provider|(?:\w+_)?region(?:_name)?|oci_\w+|litellm_credential_name"
    r"|\w+_(?:id|user|username|project|location|profile_name|role_name|identity_token)"
)
# Without their address OpenAI's would be asked, or nobody.
NO_DEFAULT = (*NEEDS_ADDRESS, "litellm_proxy", "heroku")


def take_out_unset(
    params: dict[str, Any], env: Mapping[str, str], place: Callable[..., str]
) -> Iterator[str]:
    """Takes them out of `litellm_params`, with a sentence for each.

    place: of the steps to a setting within the entry, its file and line.
    """
    provider = ""
    with suppress(UnknownProvider):
        provider = resolve_model(params)[1]
    for name, value in list(params.items()):
        unset = unset_in(value, env)
        if not unset or _is_needed(name, value, provider):
            continue
        if isinstance(value, str):
            del params[name]
        else:
            params[name] = _without(value, env)
        part = "" if isinstance(value, str) else " in part"
        where = f"{place('litellm_params', name)}: litellm_params.{name}"
        yield f"{where} is ignored{part}, {unset[0]} is not set. Put it in .env."


def _is_needed(name: str, value: Any, provider: str) -> bool:
    if ADDRESS_NAME.fullmatch(name):
        usual = usual_addresses(key_variables(provider))
        return provider in NO_DEFAULT or not env_values(value, {}).keys() <= set(usual)
    if name in HEADER_FIELDS and isinstance(value, dict):
        return any(
            env_values(item, {}) and KEY_HEADER.fullmatch(str(header))
            for header, item in value.items()
        )
    return bool(ANOTHER_WAY.fullmatch(name) or IDENTITY.fullmatch(name))


def _without(value: Any, env: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {n: _without(item, env) for n, item in value.items() if not _is_unset(item, env)}
    if isinstance(value, list):
        return [_without(item, env) for item in value if not _is_unset(item, env)]
    return value


def _is_unset(value: Any, env: Mapping[str, str]) -> bool:
    return isinstance(value, str) and bool(unset_in(value, env))
