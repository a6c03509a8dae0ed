"""What the gateway is told from outside, and what LiteLLM is told by us."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

__all__ = ["DEFAULT_PORT", "LITELLM_ENVIRONMENT", "SettingError", "Settings", "write_whole"]

DEFAULT_PORT = 4000
DEFAULT_PROJECT = Path("/project")
DEFAULT_KEY_FILE = Path("/run/vui-litellm/key")

# Read by LiteLLM at import, so they are set before it is imported.
LITELLM_ENVIRONMENT = {
    # The price table comes with the package: the start neither waits for the internet nor fails
    # without it. https://docs.litellm.ai/docs/proxy/sync_models_github
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # No `.env` is read from the working directory by LiteLLM itself.
    # https://docs.litellm.ai/docs/proxy/config_settings
    "LITELLM_MODE": "PRODUCTION",
    # The admin UI, the API docs and the OpenAPI schema are neither built nor served.
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "NO_OPENAPI": "True",
    # One HTTP client for OpenAI's format too, instead of OpenAI's SDK around it: 1 ms less until
    # the first token, and a tenth more turns per second.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
    # Fewer looks for garbage: a turn makes thousands of objects and leaves none behind.
    # https://docs.litellm.ai/docs/proxy/config_settings
    "PYTHON_GC_THRESHOLD": "20000,20,20",
    # Seconds that a provider's connection stays open between two turns, and the probes that keep
    # a home router from forgetting it. https://docs.litellm.ai/docs/proxy/config_settings
    "AIOHTTP_KEEPALIVE_TIMEOUT": "120",
    "AIOHTTP_SO_KEEPALIVE": "True",
    "AIOHTTP_TCP_KEEPIDLE": "30",
    "AIOHTTP_TCP_KEEPINTVL": "10",
}


class SettingError(ValueError):
    """A setting has a bad value; the message names it, what is wrong, and the cure."""


@dataclass(frozen=True)
class Settings:
    """Where the gateway listens, and where its files are."""

    host: str = "0.0.0.0"  # noqa: S104  in a container: compose.yaml publishes it on loopback
    port: int = DEFAULT_PORT
    config: Path = DEFAULT_PROJECT / "litellm_config.yaml"
    env_file: Path = DEFAULT_PROJECT / ".env"
    key_file: Path = DEFAULT_KEY_FILE
    budget: float | None = None  # US dollars per day
    warm: bool = True
    # `.env`, and the environment, which wins over it.
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment, and `.env`, in which the keys are.

        `.env` is read from a mount and not passed by Compose: an environment variable of a
        container is shown to everyone who may run `docker inspect`.

        Raises:
            SettingError: a value cannot be used.
        """
        project = Path(environ.get("VUI_GATEWAY_PROJECT") or DEFAULT_PROJECT)
        port = environ.get("VUI_GATEWAY_PORT") or str(DEFAULT_PORT)
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise SettingError(
                f"VUI_GATEWAY_PORT is {port!r}. Use a port number such as {DEFAULT_PORT}."
            )
        env_file = project / ".env"
        env = {**read_env_file(env_file), **{k: v for k, v in environ.items() if v}}
        return cls(
            host=environ.get("VUI_GATEWAY_HOST") or cls.host,
            port=int(port),
            config=project / "litellm_config.yaml",
            env_file=env_file,
            key_file=Path(environ.get("VUI_LITELLM_KEY_FILE") or DEFAULT_KEY_FILE),
            budget=_budget(env.get("VUI_LITELLM_BUDGET", "").strip()),
            warm=_switch("VUI_LITELLM_WARM", env.get("VUI_LITELLM_WARM", "").strip() or "1"),
            env=env,
            environ=dict(environ),
        )

    @property
    def status_file(self) -> Path:
        """Where the gateway that runs on this port leaves its status."""
        return Path(tempfile.gettempdir(), f"vui-gateway-{self.port}.json")

    def export(self, key: str) -> None:
        """Put `.env`, the key and what LiteLLM reads at import into this process's environment."""
        for name, value in LITELLM_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        os.environ.update(self.env)
        os.environ["VUI_LITELLM_KEY"] = key


def _budget(value: str) -> float | None:
    try:
        budget = float(value) if value else None
    except ValueError:
        budget = -1.0
    if budget is not None and not 0 <= budget < float("inf"):
        raise SettingError(
            f"VUI_LITELLM_BUDGET is {value!r}. Write US dollars per day, such as 0.50, or leave it "
            "empty for no limit."
        )
    return budget


def _switch(name: str, value: str) -> bool:
    if value.lower() not in ("0", "1", "true", "false"):
        raise SettingError(f"{name} is {value!r}. Use 1 (on) or 0 (off).")
    return value.lower() in ("1", "true")


def write_whole(path: Path, text: str) -> None:
    """By rename: a reader sees the old text or the new one.

    Raises:
        OSError: it can't be written.
    """
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.replace(path)


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a `.env` file; none when there is no file.

    Raises:
        SettingError: the file is there and can't be read.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return {k: v.strip() for k, v in dotenv_values(stream=lines).items() if v}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{path} can't be read ({error}). The gateway runs as user {os.getuid()}: let it read "
            "the file (`chmod 644 .env`), or set VUI_LITELLM_UID to your own user id (`id -u`)."
        ) from error
