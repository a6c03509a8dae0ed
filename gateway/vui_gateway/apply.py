"""Puts a configuration into the running parts: whole, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from vui_gateway import logs
from vui_gateway.config.default_group import DEFAULT_GROUP, refused_note
from vui_gateway.config.env import resolved
from vui_gateway.config.file import Config, ConfigError
from vui_gateway.keys.clients import Keys
from vui_gateway.keys.owner import load_key
from vui_gateway.litellm_proxy.callbacks import Callbacks
from vui_gateway.litellm_proxy.preconnect import Preconnect
from vui_gateway.litellm_proxy.router import RouterInForce
from vui_gateway.providers.caching import PromptCaching
from vui_gateway.redaction import credentials, redact
from vui_gateway.settings import SettingError, Settings
from vui_gateway.turns.admission import Admission
from vui_gateway.turns.candidates import KEY_FALLBACKS, Candidates, Fallbacks
from vui_gateway.turns.cooldown import Cooldown
from vui_gateway.turns.engine import Engine
from vui_gateway.turns.fillers import Fillers
from vui_gateway.turns.taken_back import TakenBack
from vui_gateway.turns.thinkers import Thinkers
from vui_gateway.usage.labels import Labels
from vui_gateway.usage.recorder import Recorder

__all__ = ["InForce"]


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

    def apply(self, settings: Settings, config: Config, before: Settings | None = None) -> None:
        """Put all of it in force, or raise and change nothing.

        Raises:
            SettingError: the key can't be kept.
            ConfigError: LiteLLM refuses the configuration.
        """
        found = credentials(settings.env, vars(config))
        redact.configure([*found, ("VUI_LITELLM_KEY", self.keys.owner)])
        module = resolved(config.litellm_settings, settings.env)
        models = resolved(config.model_list, settings.env)
        try:
            ours = {KEY_FALLBACKS: [{DEFAULT_GROUP: config.default.others}]}
            fallbacks = Fallbacks(config.router_settings, config.litellm_settings, ours)
            routing = resolved(config.router_settings, settings.env)
            router = self.router.build(models, routing, module)
        except Exception as error:  # whatever LiteLLM raises for an entry
            cure, spoken = "Correct or undo the edit.", "LiteLLM refuses it"
            wrong = f"{spoken} ({error})"
            raise ConfigError(str(settings.config), wrong, cure, spoken) from error
        try:
            key = load_key(settings)
        except SettingError:
            router.discard()
            raise
        settings.export(key, before)
        logs.configure(settings)
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
        self.fillers.sentences = settings.fillers
        self.thinkers.configure(config.models.keys())
        self.taken_back.configure(models)
        self.admission.limit = settings.calls
        self.usage.budget.limit = settings.budget
        self.usage.metrics.label = Labels([*self.router.model_groups, *config.models.values()])
        installation = f"vui-{sha256(f'prompt cache of {key}'.encode()).hexdigest()[:12]}"
        self.caching.configure(installation, enabled=settings.cache)
        self.preconnect.enabled = settings.preconnect
        self.router.notes = {DEFAULT_GROUP: self.vui(config)}

    async def extend(self, settings: Settings, config: Config) -> None:
        """Put the callbacks, the cache and the traces in force, while calls go on."""
        own = resolved(config.litellm_settings, settings.env)
        await self.callbacks.apply(own, settings.config, settings.unknown)
        await self.usage.telemetry.apply(settings.env)

    def vui(self, config: Config) -> str:
        """The sentence about `vui`: the model, and why."""
        ids = self.router.ids(DEFAULT_GROUP)
        if not ids or set(ids) - set(self.cooldown.refused):
            return config.default.note
        of_group = [config.models[i] for i in ids], [_key_of(config, i) for i in ids]
        return refused_note(*of_group, config.default.others)

    def refused(self, config: Config) -> dict[str, list[str]]:
        """Where a refused key is, and the models that use it."""
        found: dict[str, list[str]] = {}
        for deployment in self.cooldown.refused:
            if deployment in config.models:
                models = found.setdefault(_key_of(config, deployment), [])
                models += {config.models[deployment]} - set(models)
        return found


def _key_of(config: Config, deployment: str) -> str:
    variable = config.key_variables[deployment]
    return f"{variable} of .env" if variable else "its key in litellm_config.yaml"
