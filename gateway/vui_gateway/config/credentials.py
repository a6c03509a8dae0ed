"""Credentials that several deployments share, and keys in their providers' usual variables: put
into each deployment, so that a saved one is in force at once and a lacking variable is known.

https://docs.litellm.ai/docs/proxy/configs#centralized-credential-management
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vui_gateway.config.env import ENV_PREFIX
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.litellm_proxy.key_variables import key_variables
from vui_gateway.providers.usual_keys import usual_key

__all__ = ["CREDENTIAL_NAME", "by_name", "put_credentials", "with_credential", "with_usual_key"]

CREDENTIAL_NAME = "litellm_credential_name"


def by_name(credential_list: Iterable[dict] | None) -> dict[str, dict]:
    """The values of each credential; without those that have none."""
    found = {
        str(c.get("credential_name")): c.get("credential_values") for c in credential_list or ()
    }
    return {name: values for name, values in found.items() if isinstance(values, dict)}


def with_credential(params: dict[str, Any], credentials: Mapping[str, dict]) -> dict[str, Any]:
    """A deployment's parameters with the credential that they name; unchanged where it is unknown.

    As in LiteLLM, what the credential says wins.
    """
    values = credentials.get(str(params.get(CREDENTIAL_NAME)))
    if values is None:
        return params
    return {**{name: value for name, value in params.items() if name != CREDENTIAL_NAME}, **values}


def put_credentials(file: dict) -> dict[str, dict]:
    """Put a file's credentials into the deployments that name them. Returns them by name."""
    found = by_name(file.get("credential_list"))
    for entry in file["model_list"] if isinstance(file["model_list"], list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("litellm_params"), dict):
            entry["litellm_params"] = with_credential(entry["litellm_params"], found)
    return found


def with_usual_key(
    params: dict[str, Any], settings: Mapping[str, Any], env: Mapping[str, str]
) -> dict[str, Any]:
    """A deployment's parameters with the variable that LiteLLM would take its key from.

    settings: the file's `litellm_settings`.
    """
    try:
        provider = resolve_model(params)[1]
    except UnknownProvider:
        return params
    variable = usual_key(provider, key_variables(provider), params, settings, env)
    return {**params, "api_key": f"{ENV_PREFIX}{variable}"} if variable else params
