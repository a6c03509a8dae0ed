"""The user's `litellm_config.yaml`: checked, and made into what LiteLLM runs with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError

from vui_gateway.config.credentials import by_name, with_credential
from vui_gateway.config.default_group import DefaultGroup, choose_default, demo_for
from vui_gateway.config.defaults import with_defaults
from vui_gateway.config.deployment_fallbacks import move_fallbacks
from vui_gateway.config.env import env_values
from vui_gateway.config.left_out import LeftOut, left_out
from vui_gateway.config.shape import FIELD_CURES, File, Prices, Timing
from vui_gateway.config.unsupported import (
    SETTING_CURES,
    TOP,
    suggestion,
    take_out,
)
from vui_gateway.errors import UserError
from vui_gateway.litellm_proxy.catalogue import UnknownProvider, resolve_model
from vui_gateway.named_files import missing

__all__ = ["Config", "ConfigError", "demo_config", "read_config"]

MAX_CONFIG_BYTES = 1_000_000
MAX_DEPLOYMENTS = 500  # a router of so many is built in 1.5 s, and calls wait meanwhile

SLIPS = ("extra_forbidden", "invalid_key")


class ConfigError(UserError):
    """The file can't be used; the message gives file, line, what is wrong, and the cure."""

    def __init__(self, place: str, wrong: str, cure: str, spoken: str = "") -> None:
        line = place.rpartition(":")[2]
        what = f"Line {line} of the model file" if line.isdigit() else "The model file"
        said = f"{what} can't be used: {spoken or wrong}. {cure}"
        super().__init__(f"{place}: {wrong}. {cure}", said)


@dataclass(frozen=True)
class Config:
    """What LiteLLM runs with, and what to tell the user about it.

    Attributes:
        model_list, router_settings, litellm_settings: in LiteLLM's format, with our defaults.
        env: the variables that the file names, with their values.
        default: who `vui` is.
        master_key, max_budget: unless `.env` has them. details: warnings for `status` alone.
    """

    model_list: list[dict]
    router_settings: dict[str, Any]
    litellm_settings: dict[str, Any]
    general_settings: dict[str, Any]
    env: dict[str, str]
    left_out: list[LeftOut]
    warnings: list[str]
    default: DefaultGroup
    master_key: str = field(default="", repr=False)
    max_budget: float | None = None
    details: list[str] = field(default_factory=list)

    @property
    def served(self) -> list[str]:
        """The names of `/v1/models`, each once: aliases, then those of the file in its order."""
        names = [entry["model_name"] for entry in self.model_list]
        return list(dict.fromkeys([*self.router_settings.get("model_group_alias", ()), *names]))

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


def read_config(path: Path, env: Mapping[str, str]) -> Config:
    """Check the file against LiteLLM's format and against the keys at hand.

    Raises:
        ConfigError: it can't be read, or LiteLLM would refuse or misread it.
    """
    try:
        return _Reader(path).read(env)
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
    def __init__(self, path: Path) -> None:
        self.path = path
        self.root: yaml.Node | None = None

    def read(self, env: Mapping[str, str]) -> Config:
        file = self._parse()
        meant = take_out(file, env, self._place)
        try:
            File.model_validate(file)
        except ValidationError as error:
            # A key with a slip in it before the one that is missing for it.
            errors = error.errors(include_url=False)
            self._refuse(min(errors, key=lambda e: e["type"] not in SLIPS))
        lost = self._lost_files(file.get("litellm_settings") or {})
        warnings = [*meant.warnings, *lost, *move_fallbacks(file)]
        if (count := len(file["model_list"])) > MAX_DEPLOYMENTS:
            self._fail(
                f"it has {count} deployments, {MAX_DEPLOYMENTS} at the most",
                "Leave some out, or write a wildcard such as `openai/*`.",
            )
        usable, lacking = [], []
        credentials = by_name(file.get("credential_list"))
        for index, entry in enumerate(file["model_list"]):
            entry["litellm_params"] = with_credential(entry["litellm_params"], credentials)
            if lack := left_out(entry, env, UnknownProvider.known, credentials, self.path.parent):
                lacking.append(lack)
            else:
                self._check_provider(entry["litellm_params"], index)
                usable.append(entry)
        default = choose_default(file, usable, lacking)
        return Config(
            left_out=lacking,
            warnings=warnings,
            env=env_values(file, env),
            default=default,
            master_key=meant.master_key,
            max_budget=meant.max_budget,
            details=meant.details,
            **with_defaults(file, usable, env, default),
        )

    def _lost_files(self, settings: dict) -> Iterator[str]:
        """Takes out the settings that name a file that isn't there."""
        for name, value in list(settings.items()):
            if cure := missing(value, self.path.parent):
                del settings[name]
                where = self._place("litellm_settings", name)
                yield f"{where}: litellm_settings.{name} is ignored: {value} isn't there. {cure}"

    def _parse(self) -> dict:
        try:
            if self.path.stat().st_size > MAX_CONFIG_BYTES:
                self._fail("the file is larger than 1 MB", "Is it the right file?")
            text = self.path.read_text(encoding="utf-8")
            self.root = yaml.compose(text, Loader=yaml.SafeLoader)
            file = yaml.safe_load(text)
        except ConfigError:
            raise
        except UnicodeDecodeError as error:
            self._fail(f"not UTF-8 text ({error.reason})", "Save it as UTF-8.")
        except OSError as error:
            cure = "Restore it: `git checkout litellm_config.yaml`."
            self._fail(f"can't be read ({error.strerror})", cure)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = " ".join(filter(None, (error.context, error.problem)))
            # A credential that begins with `*`, `&` or `!` would be quoted.
            problem = re.sub(r"'[^'<]{6,}'", "'…'", problem)
            cure = "Check the indentation and quotes there."
            spoken = "it is no valid YAML"
            raise ConfigError(f"{self.path}:{line}", problem, cure, spoken) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            cure = "Compare with the file in the repository."
            self._fail(f"not YAML ({str(error).splitlines()[0]})", cure)
        if not isinstance(file, dict):
            self._fail("empty, or no mapping", "It starts with `model_list:`.")
        if "include" in file and not file.get("model_list"):
            self._fail("include has no effect here", SETTING_CURES["include"], "include")
        return file

    def _refuse(self, error: Any) -> NoReturn:
        where = error["loc"]
        name = where[-1] if where else ""
        if error["type"] in SLIPS:
            cure = suggestion(name, [*File.model_fields, *TOP], "Remove it.")
            self._fail(f"unknown key {name!r}", cure, *where)
        if isinstance(name, int) or error["type"] in ("model_type", "dict_type"):
            self._fail("no mapping", "Indent its settings below it, as `name: value`.", *where)
        if name in Timing.model_fields:
            cure = "Write a number, in seconds where it is a time."
            self._fail(f"{name} is {error['input']!r}", cure, *where)
        if name in Prices.model_fields:
            cure = "Write US dollars per token, such as 0.0000004."
            self._fail(f"{name} is {error['input']!r}", cure, *where)
        wrong, cure = FIELD_CURES.get(str(name), (f"{name}: {error['msg']}", "Correct it."))
        self._fail(wrong, cure, *where)

    def _check_provider(self, params: dict, index: int) -> None:
        try:
            resolve_model(params)
        except UnknownProvider as error:
            provider = params["model"].split("/")[0]
            cure = suggestion(
                provider, error.known, "See https://docs.litellm.ai/docs/providers for those."
            )
            where = ("model_list", index, "litellm_params", "model")
            self._fail(f"{provider!r} is no provider that LiteLLM knows", cure, *where)

    def _place(self, *steps: str | int) -> str:
        return f"{self.path}:{_line(self.root, steps)}"

    def _fail(self, wrong: str, cure: str, *steps: str | int) -> NoReturn:
        raise ConfigError(self._place(*steps), wrong, cure)


def _line(node: yaml.Node | None, steps: tuple[str | int, ...]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line
