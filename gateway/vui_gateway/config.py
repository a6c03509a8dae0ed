"""The user's `litellm_config.yaml`: checked, and made into what LiteLLM is started with."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import litellm
import yaml

from vui_gateway.overlay import env_values, overlay

__all__ = ["ConfigError", "LeftOut", "Plan", "read_config"]

# https://docs.litellm.ai/docs/proxy/config_settings
KNOWN_KEYS = frozenset(
    {"model_list", "litellm_settings", "router_settings", "general_settings", "credential_list"}
)
NUMBERS = frozenset(
    {
        "order",
        "timeout",
        "stream_timeout",
        "cooldown_time",
        "num_retries",
        "max_retries",
        "rpm",
        "tpm",
    }
)
MAX_BYTES = 1_000_000


class ConfigError(ValueError):
    """The file can't be used; the message gives file, line, what is wrong, and the cure."""


@dataclass(frozen=True)
class LeftOut:
    """A deployment that is not served, and the variable whose lack is the reason."""

    model_name: str
    model: str
    variable: str

    def __str__(self) -> str:
        name = f"{self.model_name} ({self.model})"
        return f"{name} is left out: {self.variable} is not set. Put it in .env."


@dataclass(frozen=True)
class Plan:
    """What to start LiteLLM with, and what to tell the user about it."""

    runtime: dict
    left_out: list[LeftOut]
    warnings: list[str]

    @property
    def served(self) -> list[str]:
        """The names of `/v1/models`, each once, in the order of the file."""
        return list(dict.fromkeys(entry["model_name"] for entry in self.runtime["model_list"]))


def read_config(path: Path, env: Mapping[str, str]) -> Plan:
    """Check the file against LiteLLM's format and against the keys at hand.

    Raises:
        ConfigError: it can't be read, or LiteLLM would refuse or misread it.
    """
    return _Checker(path, env).plan()


class _Checker:
    def __init__(self, path: Path, env: Mapping[str, str]):
        self.path = path
        self.env = env
        self.root: yaml.Node | None = None

    def plan(self) -> Plan:
        config = self._parse()
        for key in config:
            if key not in KNOWN_KEYS:
                self._fail(f"unknown key {key!r}", _meant(key, KNOWN_KEYS, "Remove it"), key)
        for key in KNOWN_KEYS - {"model_list", "credential_list"}:
            if not isinstance(config.get(key) or {}, dict):
                self._fail(f"{key} is no mapping", "Indent its settings below it", key)
        self._numbers(config.get("router_settings") or {}, "router_settings")
        deployments: list[dict] = []
        left_out: list[LeftOut] = []
        for index, entry in enumerate(self._model_list(config)):
            missing = self._missing_variable(entry["litellm_params"])
            if missing:
                left_out.append(
                    LeftOut(entry["model_name"], entry["litellm_params"]["model"], missing)
                )
            else:
                deployments.append(self._usable(entry, index))
        ignored = [
            f"{self._place('general_settings', key)}: general_settings.{key} is ignored, "
            "the gateway sets its own. Remove it."
            for key in (config.get("general_settings") or {})
            if key != "master_key"
        ]
        return Plan(overlay(config, deployments, self.env), left_out, ignored)

    def _parse(self) -> dict:
        try:
            if self.path.stat().st_size > MAX_BYTES:
                self._fail("the file is larger than 1 MB", "Is it the right file?")
            text = self.path.read_text(encoding="utf-8")
            self.root = yaml.compose(text, Loader=yaml.SafeLoader)
            config = yaml.safe_load(text)
        except UnicodeDecodeError as error:
            self._fail(f"not UTF-8 text ({error.reason})", "Save it as UTF-8")
        except OSError as error:
            self._fail(
                f"can't be read ({error.strerror})",
                "Restore it: `git checkout litellm_config.yaml`",
            )
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = " ".join(filter(None, (error.context, error.problem)))
            cure = "Check the indentation and quotes there"
            raise ConfigError(f"{self.path}:{line}: {problem}. {cure}.") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self._fail(
                f"not YAML ({str(error).splitlines()[0]})",
                "Compare with the file in the repository",
            )
        if not isinstance(config, dict):
            self._fail("empty, or no mapping", "It starts with `model_list:`")
        return config

    def _model_list(self, config: dict) -> Iterator[dict]:
        entries = config.get("model_list")
        if not isinstance(entries, list) or not entries:
            self._fail("model_list is missing or empty", "List one model at least", "model_list")
        for index, entry in enumerate(entries):
            where = ("model_list", index)
            if not isinstance(entry, dict):
                self._fail(
                    "this entry is no mapping", "It needs model_name and litellm_params", *where
                )
            name, params = entry.get("model_name"), entry.get("litellm_params")
            if not isinstance(name, str) or not name.strip():
                self._fail(
                    "model_name is missing", "Give the model the name that vui shows", *where
                )
            if not isinstance(params, dict) or not isinstance(params.get("model"), str):
                self._fail(
                    f"{name} has no litellm_params.model",
                    "Write it as `model: provider/name`",
                    *where,
                )
            yield entry

    def _usable(self, entry: dict, index: int) -> dict:
        params = entry["litellm_params"]
        self._numbers(params, "model_list", index, "litellm_params")
        try:
            litellm.get_llm_provider(
                params["model"],
                custom_llm_provider=params.get("custom_llm_provider"),
                api_base=params.get("api_base"),
            )
        except litellm.BadRequestError:
            provider = params["model"].split("/")[0]
            known = [str(getattr(p, "value", p)) for p in litellm.provider_list]
            self._fail(
                f"{provider!r} is no provider that LiteLLM knows",
                _meant(provider, known, "See https://docs.litellm.ai/docs/providers"),
                *("model_list", index, "litellm_params", "model"),
            )
        return entry

    def _numbers(self, settings: dict, *where: str | int) -> None:
        for name in NUMBERS & set(settings):
            value = settings[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                cure = "Write a number, in seconds where it is a time"
                self._fail(f"{name} is {value!r}", cure, *where, name)

    def _missing_variable(self, params: dict) -> str | None:
        return next(
            (name for name, value in env_values(params, self.env).items() if not value), None
        )

    def _place(self, *steps: str | int) -> str:
        return f"{self.path}:{_line(self.root, steps)}"

    def _fail(self, wrong: str, cure: str, *steps: str | int) -> NoReturn:
        raise ConfigError(f"{self._place(*steps)}: {wrong}. {cure}.")


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


def _meant(word: object, known: Any, otherwise: str) -> str:
    close = difflib.get_close_matches(str(word), known, n=1)
    return f"Did you mean {close[0]!r}?".rstrip("?") + "?" if close else otherwise
