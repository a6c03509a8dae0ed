"""The models that the gateway serves, their prices, and those that are measured."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import httpx

from vui_litellm.backend import LiteLLMBackend
from vui_litellm.tools.preflight import GatewayUnusable, preflight

__all__ = ["ModelGroup", "choose", "model_groups"]


@dataclass
class ModelGroup:
    """A model group of the gateway's: who answers, and at what price per token.

    price: US dollars for a token in, out, read from the provider's prompt cache, and written to it.
    note: what the gateway says about it.
    """

    model: str
    provider: str
    price: tuple[float, float, float, float] | None
    demo: bool
    note: str = ""

    def usd(
        self, tokens_in: float, tokens_out: float, cached: float = 0, written: float = 0
    ) -> float | None:
        """Some of the tokens in may have been read from the cache, or written to it."""
        if not self.price:
            return None
        tokens = (tokens_in - cached - written, tokens_out, cached, written)
        return sum(n * usd for n, usd in zip(tokens, self.price, strict=True))


async def model_groups(backend: LiteLLMBackend) -> dict[str, ModelGroup]:
    """The groups that the gateway serves, from its `/model/info`: each with the deployment asked
    first.

    Raises:
        GatewayUnusable: it doesn't list them, or see `tools.preflight`.

    Source: https://docs.litellm.ai/docs/proxy/model_management
    """
    try:
        answer = await backend.request("GET", "/model/info", timeout=10)
        entries = answer.raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        await preflight(backend)  # it knows what is wrong with a gateway
        raise GatewayUnusable(
            f"The gateway at {backend.base_url} doesn't list its models at /model/info "
            f"({error!r}). Use a key that may do so."
        ) from error
    finally:
        await backend.aclose()
    found: dict[str, ModelGroup] = {}
    for entry in sorted(entries, key=lambda e: e["litellm_params"].get("order") or 0):
        params, info = entry["litellm_params"], entry["model_info"]
        costs = info.get("input_cost_per_token"), info.get("output_cost_per_token")
        demo = bool(params.get("mock_response"))
        into, out = (0, 0) if demo else costs
        read, write = (info.get(f"cache_{how}_input_token_cost") for how in ("read", "creation"))
        price = None if into is None or out is None else (into, out, read or into, write or into)
        group = ModelGroup(entry["model_name"], params["model"], price, demo)
        group = found.setdefault(entry["model_name"], group)
        group.note = group.note or str(info.get("note") or "")
    return {name: found[name] for name in dict.fromkeys(e["model_name"] for e in entries)}


def choose(
    served: dict[str, ModelGroup], asked: list[str] | None, default: str
) -> list[ModelGroup]:
    """The groups asked for; else all, and of a wildcard's models only vui's own.

    Raises:
        GatewayUnusable: one isn't served, or nothing is but wildcards.
    """
    exact = [name for name in served if "*" not in name]
    names = dict.fromkeys(asked or exact)
    if not asked and _find(served, default):
        names.setdefault(default)
    if unknown := [name for name in names if not _find(served, name)]:
        raise GatewayUnusable(
            f"The gateway doesn't serve {unknown[0]!r}. Choose from: {', '.join(served)}."
        )
    if not names:
        what = ", ".join(served) or "no model"
        raise GatewayUnusable(f"The gateway serves {what}. Name a model with `--model NAME`.")
    return [group for name in names if (group := _find(served, name))]


def _find(served: dict[str, ModelGroup], name: str) -> ModelGroup | None:
    if "*" in name:
        return None
    if name in served:
        return served[name]
    for pattern in sorted(served, key=len, reverse=True):
        wild = "(.*)".join(map(re.escape, pattern.split("*")))
        if "*" in pattern and (match := re.fullmatch(wild, name)):
            group = served[pattern]
            return replace(group, model=name, provider=group.provider.replace("*", match[1], 1))
    return None
