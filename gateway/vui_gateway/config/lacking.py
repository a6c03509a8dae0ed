"""The variable, credential or package that a deployment lacks, and the one that may be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vui_gateway.config.aliases import group_of
from vui_gateway.config.credentials import CREDENTIAL_NAME
from vui_gateway.config.default_group import ALIAS
from vui_gateway.config.env import ENV_PREFIX, env_values
from vui_gateway.config.left_out import LeftOut
from vui_gateway.config.values import is_served, suggestion
from vui_gateway.litellm_proxy import auto_routers
from vui_gateway.litellm_proxy.key_variables import key_variables
from vui_gateway.named_files import missing
from vui_gateway.providers.packages import LEFT_OUT_PACKAGES
from vui_gateway.providers.sign_in import SUBSCRIPTIONS, token_file

__all__ = [
    "OTHER_SPELLINGS", "left_out", "no_provider", "take_out_idle_routers",
]  # fmt: skip

# Spellings of a variable in other programs.
OTHER_SPELLINGS = re.compile(
    r"(?:(?i:(?:os\W?)?(?:get)?env\w*(?:\.get)?)[./:(\[\s'\"]+|\$env:|\$\{?|\{\{|%)\s*([A-Z][A-Z0-9_]+)\W*"
)
# Any other text may be a key itself, and is never shown.
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*|[A-Za-z_]{1,40}|[A-Za-z0-9_]{1,15}")
ROUTER_CURE = f"Correct its {auto_routers.CONFIG}."
NO_RULES_CURE = "Write auto_router/complexity_router, which chooses by rules of its own."
TWICE_CURE = "Give each router a model_name of its own."
IDLE_CURE = "Name models by their model_name there."
NO_PATHS = ("model", "api_key")
PROVIDERS_PAGE = "https://docs.litellm.ai/docs/providers"
SAME_WORD = 0.9  # of difflib's ratio: one letter of a variable's name is off


def left_out(
    entry: dict,
    env: Mapping[str, str],
    providers: Iterable[str],
    credentials: Iterable[str] = (),
    folder: Path = Path(),
) -> LeftOut | None:
    """Why an entry of `model_list` isn't served; None when it is.

    folder: where the relative paths in it begin.
    """
    params = entry["litellm_params"]
    names = entry["model_name"], params["model"]
    if params["model"].startswith(auto_routers.AUTO_ROUTER):
        wrong = auto_routers.fault(params)
        cure = ROUTER_CURE if auto_routers.has_rules(params["model"]) else NO_RULES_CURE
        return LeftOut(*names, params["model"], wrong, cure) if wrong else None
    provider = str(params.get("custom_llm_provider") or params["model"].partition("/")[0])
    if provider in LEFT_OUT_PACKAGES:
        return LeftOut(*names, provider, "is not in the image", LEFT_OUT_PACKAGES[provider])
    if provider in SUBSCRIPTIONS and not (token := token_file(provider, env)).is_file():
        sign_in = f"docker compose exec gateway vui-gateway sign-in {provider}"
        cure = f"Sign in: `{sign_in}` keeps its token there, and the model is served."
        return LeftOut(*names, str(token), "isn't there", cure)
    if CREDENTIAL_NAME in params:
        named = str(params[CREDENTIAL_NAME])
        lower = {name.lower(): name for name in credentials}
        close = difflib.get_close_matches(named.lower(), lower, 1)
        cure = f"Did you mean {lower[close[0]]}?" if close else "Add it there."
        return LeftOut(*names, named, "is not in credential_list", cure)
    for name, value in _strings(params):
        spelling = OTHER_SPELLINGS.fullmatch(value)
        meant = ENV_PREFIX + spelling.group(1) if spelling else value
        if value != meant:
            return LeftOut(*names, value, f"is no {name}", f"Did you mean {meant}?")
        if name not in NO_PATHS and (cure := missing(value, folder)):
            return LeftOut(*names, f"{name}: {value}", "isn't there", cure)
        variable = value.removeprefix(ENV_PREFIX).strip()
        if variable != value and not (env.get(variable) or VARIABLE.fullmatch(variable)):
            cure = f"Put it into .env, and write {ENV_PREFIX} and its variable's name here."
            return LeftOut(*names, name, "names no variable that is set", cure)
    for variable, value in env_values([entry["model_name"], params], env).items():
        if not value:
            keys = {n for one in providers for n in key_variables(one) or _by_name(one)}
            known = set(env) if variable in keys else keys | set(env)
            close = difflib.get_close_matches(variable, known - {variable}, 1, SAME_WORD)
            cure = f"Did you mean {close[0]}?" if close else LeftOut.cure
            return LeftOut(*names, variable, cure=cure, is_unset=True)
    return None


def _by_name(provider: str) -> tuple[str, ...]:
    return (f"{provider}_API_KEY".upper(),)


def no_provider(params: Mapping[str, Any], known: Iterable[str]) -> tuple[str, str, str]:
    """Why `litellm_params` name no provider that LiteLLM knows: the part, its fault, the cure."""
    provider, slash, _ = params["model"].partition("/")
    if slash:
        others = f"See {PROVIDERS_PAGE} for those."
        wrong = "is no provider that LiteLLM knows"
        return repr(provider), wrong, suggestion(provider, known, others)
    cure = f"Write it as provider/model, see {PROVIDERS_PAGE}."
    if params.get("api_base") or params.get("base_url"):
        cure = "Write openai/ before it where the server speaks OpenAI's format, else its provider."
    return repr(provider), "names no provider that LiteLLM knows", cure


def take_out_idle_routers(usable: list[dict], file: Mapping[str, Any]) -> list[LeftOut]:
    """Take out the routers of which no model is served, and the second one of a name."""
    aliases = (file.get("router_settings") or {}).get(ALIAS) or {}
    routers = [e for e in usable if auto_routers.is_router(e)]
    names = [entry["model_name"] for entry in usable if entry not in routers]
    names += [alias for alias, of in aliases.items() if group_of(of) in names]
    found: list[LeftOut] = []
    seen: set[tuple[str, str]] = set()
    for entry in routers:
        params = entry["litellm_params"]
        wanted = auto_routers.targets(params)
        name = entry["model_name"], repr(params.get("tags"))  # LiteLLM takes one of each
        wrong, cure = "", TWICE_CURE
        if not any(is_served(one, names) for one in wanted):
            wrong = f"chooses among {', '.join(wanted)}, and none of them is served"
            cure = IDLE_CURE
        elif name in seen:
            wrong = "is there twice under this name"
        seen.add(name)
        if wrong:
            usable[:] = [one for one in usable if one is not entry]
            found.append(LeftOut(name[0], params["model"], params["model"], wrong, cure))
    return found


def _strings(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, str(key))
    elif isinstance(value, str):
        yield name, value
