"""Credentials that several deployments share: put into each, so that a saved one is in force at
once and a lacking variable is known.

https://docs.litellm.ai/docs/proxy/configs#centralized-credential-management
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["CREDENTIAL_NAME", "by_name", "with_credential"]

CREDENTIAL_NAME = "litellm_credential_name"


def by_name(credential_list: Iterable[dict] | None) -> dict[str, dict]:
    """The values of each credential; without those that have none."""
    found = {c.get("credential_name"): c.get("credential_values") for c in credential_list or ()}
    return {str(name): values for name, values in found.items() if isinstance(values, dict)}


def with_credential(params: dict[str, Any], credentials: Mapping[str, dict]) -> dict[str, Any]:
    """A deployment's parameters with the credential that they name; unchanged where it is unknown.

    As in LiteLLM, what the credential says wins.
    """
    values = credentials.get(str(params.get(CREDENTIAL_NAME)))
    if values is None:
        return params
    return {**{name: value for name, value in params.items() if name != CREDENTIAL_NAME}, **values}
