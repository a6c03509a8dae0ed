"""Puts a configuration into the running parts: whole, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from vui_gateway import logs
from vui_gateway.config.default_group import DEFAULT_GROUP, refused_note
from vui_gateway.config.env import resolved
from vui_gateway.config.file import Config, ConfigError, read_config
from vui_gateway.keys.clients import Keys
from vui_gateway.keys.owner import load_key
from vui_gateway.litellm_proxy import cloud_credentials
from vui_gateway.litellm_proxy.auto_routers import has_rules, targets
from vui_gateway.litellm_proxy.callbacks import Callbacks
from vui_gateway.litellm_proxy.culprits import find_culprits
from vui_gateway.litellm_proxy.preconnect import Preconnect
from vui_gateway.litellm_proxy.router import RouterInForce
from vui_gateway.logs import words
from vui_gateway.providers.caching import PromptCaching
from vui_gateway.redaction import credentials, redact
from vui_gateway.settings import SettingError, Settings
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.candidates import KEY_FALLBACKS, NO_ANSWER_FALLBACKS, Candidates, Fallbacks
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.fillers import Fillers
from vui_gateway.turns.taken_back import TakenBack
from vui_gateway.turns.thinkers import Thinkers
from vui_gateway.usage.labels import Labels
from vui_gateway.usage.recorder import Recorder

__all__ = ["InForce", "built"]


@dataclass(frozen=True)
class InForce:
    """The running parts that a configuration changes."""

    keys: Keys
    router: RouterInForce
    candidates: Candidates
    engine: Engine
    admission: Admission
    cooldown: Cooldown
    usage: Recorder
    preconnect: Preconnect
    caching: PromptCaching
    callbacks: Callbacks
    thinkers: Thinkers
    fillers: Fillers
    taken_back: TakenBack

    @property
    def version(self) -> int:
        """Rises with each change that a status shows."""
        return self.cooldown.version + self.usage.version

    def apply(self, settings: Settings, config: Config, before: Settings | None = None) -> Config:
        """Put all of it in force, or raise and change nothing.

        Returns what is in force: without what LiteLLM refuses.

        Raises:
            SettingError: the key can't be kept.
            ConfigError: LiteLLM refuses the configuration.
        """
        found = credentials(settings.env, vars(config))
        redact.configure([*found, ("VUI_LITELLM_KEY", self.keys.owner)])
        config, fallbacks, router = built(config, settings.config, settings.env, self.router)
        models, _, module = _resolved(config, settings.env)
        try:
            key = load_key(settings, config.master_key)
        except SettingError:
            router.discard()
            raise
        settings.export(key, before)
        logs.configure(settings)
        cloud_credentials.forget()
        self.keys.owner = key
        self.router.servers.configure(models, settings.env, settings.context)
        self.router.use(router, module)
        cooldown_time = float(config.router_settings["cooldown_time"])
        self.cooldown.configure(cooldown_time, config.key_variables)
        self.candidates.fallbacks = fallbacks
        limits = [float(config.router_settings[name]) for name in ("stream_timeout", "timeout")]
        self.engine.configure(
            *limits,
            hedge=settings.hedge,
            plain_speech=settings.plain_speech,
            toolless=self.router.toolless,
        )
        self.fillers.configure(settings.fillers)
        self.thinkers.configure(config.models.keys())
        self.taken_back.configure(models)
        self.admission.limit = settings.calls
        own = settings.budget
        self.usage.budget.limit = config.max_budget if own is None else own
        self.usage.metrics.label = Labels([*self.router.model_groups, *config.models.values()])
        installation = f"vui-{sha256(f'prompt cache of {key}'.encode()).hexdigest()[:12]}"
        self.caching.configure(installation, enabled=settings.cache)
        self.preconnect.enabled = settings.preconnect
        self.router.notes = {DEFAULT_GROUP: self.vui(config)}
        return config

    async def extend(self, settings: Settings, config: Config) -> None:
        """Put the callbacks, the cache and the traces in force, while calls go on."""
        own = resolved(config.litellm_settings, settings.env)
        await self.callbacks.apply(own, settings.config, settings.unknown)
        await self.usage.telemetry.apply(settings.env)

    def vui(self, config: Config) -> str:
        """The sentence about `vui`: the model, and why."""
        ids = self.router.ids(DEFAULT_GROUP)
        if not ids or set(ids) - set(self.cooldown.refused):
            if not self.silent:
                return config.default.note
            instead = config.default.next[:1]
            who = f"{instead[0]} is asked in its place" if instead else "nobody is in its place"
            return f"{config.default.note} It doesn't answer now: {who}."
        of_group = [config.models[i] for i in ids], [_key_of(config, i) for i in ids]
        return refused_note(*of_group, config.default.others)

    @property
    def silent(self) -> bool:
        """Whether each deployment of `vui` has failed lately."""
        ids, cooling = self.router.ids(DEFAULT_GROUP), dict(self.cooldown)
        return bool(ids) and all(i in cooling or i in self.cooldown.refused for i in ids)

    def refused(self, config: Config) -> dict[str, list[str]]:
        """Where a refused key is, and the models that use it."""
        found: dict[str, list[str]] = {}
        for deployment in self.cooldown.refused:
            if deployment in config.models:
                models = found.setdefault(_key_of(config, deployment), [])
                models += {config.models[deployment]} - set(models)
        return found


def built(
    config: Config, path: Path, env: Mapping[str, str], router: RouterInForce
) -> tuple[Config, Fallbacks, Any]:
    """LiteLLM's router for a configuration, and the configuration without what LiteLLM refuses.

    path: of its file.

    Raises:
        ConfigError: LiteLLM refuses all of it.
    """
    refused: dict[tuple[str, str], str] = {}
    while True:
        parts = _resolved(config, env)
        try:
            return config, _fallbacks(config), router.build(*parts)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, and a panic of LiteLLM's Rust
            found = find_culprits(router.build, *parts, error)
            if found.keys() <= refused.keys():
                cure, spoken = "Correct or undo the edit.", "LiteLLM refuses it"
                raise ConfigError(str(path), f"{spoken} ({words(error)})", cure, spoken) from error
            refused |= found
        config = read_config(path, env, refused)


def _fallbacks(config: Config) -> Fallbacks:
    models = [(e["model_name"], e["litellm_params"]) for e in config.model_list]
    ours = {
        "fallbacks": [{n: targets(p)} for n, p in models if has_rules(p["model"])],
        KEY_FALLBACKS: [{DEFAULT_GROUP: config.default.others}],
        NO_ANSWER_FALLBACKS: [{DEFAULT_GROUP: config.default.next}],
    }
    return Fallbacks(config.router_settings, config.litellm_settings, ours)


def _resolved(config: Config, env: Mapping[str, str]) -> tuple[list[dict], dict, dict]:
    parts = config.model_list, config.router_settings, config.litellm_settings
    models, settings, module = (resolved(part, env) for part in parts)
    return models, settings, module


def _key_of(config: Config, deployment: str) -> str:
    variable = config.key_variables[deployment]
    return f"{variable} of .env" if variable else "its key in litellm_config.yaml"
