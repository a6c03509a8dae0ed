"""The user's `litellm_config.yaml`: checked, and turned into LiteLLM's configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from vui_gateway.config.aliases import settle_aliases
from vui_gateway.config.credentials import put_credentials, with_usual_key
from vui_gateway.config.default_group import ALIAS, DefaultGroup, choose_default, demo_for
from vui_gateway.config.defaults import identity, with_defaults
from vui_gateway.config.deployment_fallbacks import move_fallbacks
from vui_gateway.config.document import ConfigError, Document
from vui_gateway.config.env import env_values, resolved
from vui_gateway.config.environment import take_environment
from vui_gateway.config.fallback_names import settle_fallbacks
from vui_gateway.config.lacking import left_out, no_provider, take_out_idle_routers
from vui_gateway.config.left_out import LeftOut
from vui_gateway.config.shape import by_organization, mend_entry, mend_sections
from vui_gateway.config.top import mend_top
from vui_gateway.config.unset import take_out_unset
from vui_gateway.config.unsupported import take_out
from vui_gateway.config.values import misread
from vui_gateway.errors import UserError
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.litellm_proxy.culprits import NO_TEXT, refusal
from vui_gateway.litellm_proxy.router import served_names
from vui_gateway.named_files import missing

__all__ = ["Config", "ConfigError", "demo_config", "read_config"]

MAX_DEPLOYMENTS = 500  # a router of so many is built in 1.5 s, and calls wait meanwhile
FEW_LINES = 5  # entries that can't be used, named where there is no other


@dataclass(frozen=True)
class Config:
    """LiteLLM's configuration, and the sentences about it for the user.

    Attributes:
        model_list, router_settings, litellm_settings: in LiteLLM's format, with our defaults.
        env: the variables that the file names, with their values.
        default: the model group that `vui` stands for.
        master_key, max_budget: unless `.env` has them. details: warnings for `status` alone.
        environment: variables that the file sets.
    """

    model_list: list[dict]
    router_settings: dict[str, Any]
    litellm_settings: dict[str, Any]
    env: dict[str, str]
    left_out: list[LeftOut]
    warnings: list[str]
    default: DefaultGroup
    master_key: str = field(default="", repr=False)
    max_budget: float | None = None
    details: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def served(self) -> list[str]:
        """The names of `/v1/models`, each once: aliases, then those of the file in its order."""
        names = [entry["model_name"] for entry in self.model_list]
        return served_names(self.router_settings.get(ALIAS, {}), names)

    @property
    def models(self) -> dict[str, str]:
        """LiteLLM's name of the model, by deployment id."""
        return {e["model_info"]["id"]: e["litellm_params"]["model"] for e in self.model_list}

    @property
    def key_variables(self) -> dict[str, str]:
        """The variables that may hold the key, by deployment id."""
        return {
            entry["model_info"]["id"]: ", ".join(env_values(entry, {})) for entry in self.model_list
        }


def read_config(
    path: Path, env: Mapping[str, str], refused: Mapping[tuple[str, str], str] | None = None
) -> Config:
    """Check the file against LiteLLM's format and against the keys at hand.

    refused: settings and deployments that LiteLLM's router refuses (`find_culprits`): left out.

    Raises:
        ConfigError: it can't be read, or LiteLLM would refuse or misread it.
    """
    try:
        return _Reader(path, refused or {}).read(env)
    except ConfigError:
        raise
    except Exception as error:  # such as a key that is a number, or a list that holds itself
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        cure = "Compare with the file in the repository."
        raise ConfigError(str(path), f"can't be used ({why})", cure, "it can't be read") from error


def demo_config(error: UserError, what: str) -> Config:
    """The configuration in force while a file can't be used; what: the name of that file."""
    default = demo_for(error.spoken, what)
    made = with_defaults({}, [], {}, default)
    return Config(left_out=[], warnings=[], env={}, default=default, **made)


class _Reader:
    def __init__(self, path: Path, refused: Mapping[tuple[str, str], str]) -> None:
        self.path, self.refused = path, refused
        self.document = Document(path)
        self._place = self.document.place
        self._places: dict[int, Callable[..., str]] = {}  # of an entry's settings, by its identity

    def read(self, env: Mapping[str, str]) -> Config:
        file = self.document.values
        variables, ignored = take_environment(file, env, self._place, self.path.parent)
        env = {**env, **variables}
        warnings = [*self.document.twice, *ignored, *mend_top(file, self.document)]
        warnings += mend_sections(file, env, self._place)
        credentials = put_credentials(file)
        meant = take_out(file, env, self._place)
        warnings += meant.warnings
        lacking = self._entries(file, env, warnings)
        lost = self._lost_files(file.get("litellm_settings") or {})
        warnings += [*lost, *move_fallbacks(file), *self._refused(file)]
        if (count := len(file["model_list"])) > MAX_DEPLOYMENTS:
            self._fail(
                f"it has {count} deployments, {MAX_DEPLOYMENTS} at the most",
                "Leave some out, or write a wildcard such as `openai/*`.",
            )
        warnings += settle_fallbacks(file, [one.model_name for one in lacking], self._place)
        usable = []
        settings = file.get("litellm_settings") or {}
        for entry in file["model_list"]:
            place = self._places.get(id(entry), self._place)
            unset = list(take_out_unset(entry["litellm_params"], env, place))
            entry["litellm_params"] = with_usual_key(entry["litellm_params"], settings, env)
            lack = left_out(entry, env, UnknownProvider.known, credentials, self.path.parent)
            if lack := lack or self._unknown(entry, env):
                lacking.append(lack)
            else:
                usable.append(entry)
                warnings += [line for line in unset if line not in warnings]
        lacking += take_out_idle_routers(usable, file)
        if not usable and lacking and all(one.place for one in lacking):
            first = lacking[0]
            wrong = f"{first.variable} {first.wrong}"
            also = [
                f"{one.place}{one.variable} {one.wrong}. {one.cure}" for one in lacking[1:FEW_LINES]
            ]
            raise ConfigError(first.place.removesuffix(": "), wrong, first.cure, also=also)
        warnings += settle_aliases(file, usable, lacking, self._place)
        default = choose_default(file, usable, [one for one in lacking if not one.place])
        return Config(
            left_out=lacking,
            warnings=warnings,
            env=env_values(file, env),
            default=default,
            master_key=meant.master_key,
            max_budget=meant.max_budget,
            details=meant.details,
            environment=variables,
            **with_defaults(file, usable, env, default),
        )

    def _entries(self, file: dict, env: Mapping[str, str], said: list[str]) -> list[LeftOut]:
        """Keeps the entries that can be used. Returns the others."""
        listed, good, lacking = file["model_list"], [], []
        if not isinstance(listed, list):
            self._fail("model_list is no list", "Write a `-` before each model.", "model_list")
        for index, given in enumerate(listed):

            def place(*steps: str | int, index: int = index) -> str:
                return self._place("model_list", index, *steps)

            entry, fault, sentences = mend_entry(given, env, place)
            said += sentences
            if entry:
                made = list(by_organization(entry))
                self._places |= dict.fromkeys(map(id, made), place)
                good += made
            if fault:
                of = given if isinstance(given, dict) else {}
                params = of.get("litellm_params")
                model = params.get("model") if isinstance(params, dict) else None
                names = str(of.get("model_name") or "?"), str(model or "?")
                where = f"{place(*fault.steps)}: "
                lacking.append(LeftOut(*names, *fault[1:], place=where))
        file["model_list"] = good
        return lacking

    def _lost_files(self, settings: dict) -> Iterator[str]:
        """Takes out the settings that name a file that isn't there."""
        for name, value in list(settings.items()):
            if cure := missing(value, self.path.parent):
                del settings[name]
                where = self._place("litellm_settings", name)
                yield f"{where}: litellm_settings.{name} is ignored: {value} isn't there. {cure}"

    def _refused(self, file: dict) -> Iterator[str]:
        """Takes out the settings that LiteLLM's router can't be built with."""
        for (section, name), why in self.refused.items():
            settings = file.get(section)
            if isinstance(settings, dict) and name in settings:
                del settings[name]
                where = f"{self._place(section, name)}: {section}.{name}"
                yield f"{where} is left out, LiteLLM refuses it ({why}). Correct it."

    def _unknown(self, entry: dict, env: Mapping[str, str]) -> LeftOut | None:
        """Why LiteLLM couldn't ask a deployment."""
        params = entry["litellm_params"]
        place = self._places.get(id(entry), self._place)
        why = self.refused.get(("model_list", identity(entry, env)), "")
        if found := (why and ("model", why)) or refusal(resolved(params, env)):
            (name, why), cure = found, "Correct it."
            what, wrong = name, f"can't be used ({why})"
            if why == NO_TEXT:
                wrong, cure = misread(resolved(params, env).get(name))
        else:
            try:
                resolve_model(params)
            except UnknownProvider as error:
                name, (what, wrong, cure) = "model", no_provider(params, error.known)
            else:
                return None
        where = f"{place('litellm_params', name)}: "
        return LeftOut(entry["model_name"], params["model"], what, wrong, cure, place=where)

    def _fail(self, wrong: str, cure: str, *steps: str | int) -> NoReturn:
        self.document.fail(wrong, cure, *steps)
