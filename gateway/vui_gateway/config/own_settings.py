"""LiteLLM's settings for a key and a budget, which the gateway has of its own.

https://docs.litellm.ai/docs/proxy/virtual_keys and https://docs.litellm.ai/docs/proxy/users
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vui_gateway.config.env import ENV_PREFIX, resolved, unset_in
from vui_gateway.config.lacking import OTHER_SPELLINGS
from vui_gateway.config.values import number
from vui_gateway.settings import KEY_RULE, is_usable_key
from vui_gateway.variables import MASTER_KEY

__all__ = ["take_budget", "take_key"]

KEY, BUDGET = "VUI_LITELLM_KEY", "VUI_LITELLM_BUDGET"
SETTING, DOLLARS, DURATION = "master_key", "max_budget", "budget_duration"
A_DAY = ("1d", "24h", "1440m", "86400s")


def take_key(file: dict, env: Mapping[str, str], place: Callable[..., str]) -> tuple[str, str]:
    """The owner's key that a file names, and a sentence about it; each may be empty.

    LITELLM_MASTER_KEY counts without a setting, too, as in LiteLLM. A setting that stays in the
    file has no effect: `.env` has a key.
    """
    general = _section(file, "general_settings")
    named = general.get(SETTING, ENV_PREFIX + MASTER_KEY)
    key, own = str(resolved(named, env)).strip(), env.get(KEY, "")
    if named == ENV_PREFIX + KEY or (own and key == own):
        general.pop(SETTING, None)
    is_set = SETTING in general
    unset = unset_in(named, env)
    if own or (not key and not (is_set and unset)):
        return "", ""
    where = f"{place('general_settings', SETTING)}: general_settings.{SETTING}"
    what = where if is_set else f"{MASTER_KEY} in .env"
    general.pop(SETTING, None)
    if not key:
        return "", f"{what} is ignored, {unset[0]} is not set. Put it in .env."
    if meant := OTHER_SPELLINGS.fullmatch(key):
        return "", f"{what} is ignored, it is no key. Did you mean {ENV_PREFIX}{meant[1]}?"
    if isinstance(named, bool | list | dict) or not is_usable_key(key):
        return "", f"{what} is ignored, the key stays as it is. {KEY_RULE}"
    if is_set and key == str(named).strip():
        return key, f"{what} is in force. It is a secret: put it into .env, as {KEY}."
    return key, ""


def take_budget(
    file: dict, env: Mapping[str, str], place: Callable[..., str]
) -> tuple[float | None, list[str]]:
    """US dollars per day that a file sets, and a sentence for each amount that is none.

    A setting that stays in the file has no effect: `.env` has a budget, or it isn't for a day.
    """
    found, said, taken = None, [], False
    sections = {name: _section(file, name) for name in ("general_settings", "litellm_settings")}
    of_other = next((of[DURATION] for of in sections.values() if DURATION in of), None)
    for section, settings in sections.items():
        duration = settings.get(DURATION, of_other)
        if DOLLARS not in settings or env.get(BUDGET) or not _is_day(duration, env):
            continue
        given, taken = settings.pop(DOLLARS), True
        unset = unset_in(given, env)
        usd = number(resolved(given, env))
        what = f"{place(section, DOLLARS)}: {section}.{DOLLARS} is ignored"
        if unset:
            said.append(f"{what}, {unset[0]} is not set. Put it in .env.")
        elif usd is None:
            wrong = f"{resolved(given, env)!r} is no amount"
            said.append(f"{what}: {wrong}. Write US dollars per day, such as 0.50.")
        elif usd:  # LiteLLM takes 0 for no limit
            found = usd
    for settings in sections.values():
        if taken and _is_day(settings.get(DURATION), env):
            del settings[DURATION]
    return found, said


def _is_day(duration: object, env: Mapping[str, str]) -> bool:
    return str(resolved(duration, env)).strip() in A_DAY


def _section(file: dict, name: str) -> dict:
    found = file.get(name)
    return found if isinstance(found, dict) else {}
